package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/store"
)

var referrals = store.Kind{Name: "referrals", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("person"), store.D("received")}},
	{Name: "open", Fields: []store.Field{store.T("open")}, Unique: true},
	{Name: "centre", Fields: []store.Field{store.T("centre"), store.T("state"), store.D("due")}},
	{Name: "sender", Fields: []store.Field{store.M("sendings.sender"), store.D("received")}},
	{Name: "mine", Fields: []store.Field{store.M("sendings.mine"), store.D("received")}},
	{Name: "queue", Fields: []store.Field{store.T("queue"), store.D("due")}},
	{Name: "filter", Fields: []store.Field{store.M("filters"), store.D("due")}},
	{Name: "untouched", Fields: []store.Field{store.T("untouched"), store.D("received")}},
	{Name: "callMe", Fields: []store.Field{store.T("callMe"), store.D("received")}},
	{Name: "enrolment", Fields: []store.Field{store.T("enrolment"), store.D("received")}},
	{Name: "sending", Fields: []store.Field{store.M("sendings.id"), store.D("received")}},
	{Name: "unenrolled", Fields: []store.Field{store.D("unenrolled")}},
	{Name: "unsent", Fields: []store.Field{store.D("unsent")}},
	{Name: "leads", Fields: []store.Field{store.D("leads.since")}},
}}

// Kinds are the kinds of this package.
func Kinds() []store.Kind { return []store.Kind{referrals} }

const pageSize = 50

// page reads one page of a list.
func (s *Records) page(ctx context.Context, q store.Query) ([]Referral, string, error) {
	q.Limit = pageSize
	return s.referrals.Find(ctx, q)
}

// Get is a recommendation by its own id.
func (s *Records) Get(ctx context.Context, id string) (Referral, error) {
	return s.referrals.Get(ctx, id)
}

// Many are several, by their own ids.
func (s *Records) Many(ctx context.Context, ids ...string) ([]Referral, error) {
	return s.referrals.Many(ctx, ids...)
}

// Nobody is the holder of what nobody has taken.
const Nobody = "-"

// Filter names the list of what waits at a centre from a source, in a language
// and with a holder; "" is any of them, and Swedish is "sv".
func Filter(centre string, source halsocoach.Source, language, holder string) string {
	return centre + "|" + string(source) + "|" + language + "|" + holder
}

// filters are all the lists in which it stands.
func (r Referral) filters() []string {
	sources, holder := []halsocoach.Source{""}, Nobody
	for _, x := range r.Holding() {
		if !slices.Contains(sources, x.Source) {
			sources = append(sources, x.Source)
		}
	}
	language, _ := r.Language()
	if language == "" {
		language = "sv"
	}
	if r.Taken != nil {
		holder = r.Taken.By
	}
	var out []string
	for _, source := range sources {
		for _, l := range []string{"", language} {
			for _, h := range []string{"", holder} {
				out = append(out, Filter(r.Centre, source, l, h))
			}
		}
	}
	return out
}

// InboxQuery is which of a centre's recommendations a coach wants to see. Source,
// language ("sv" for Swedish), holder (a staff id, or Nobody) and Late narrow what
// waits; a State other than "" is a list of its own.
type InboxQuery struct {
	State    State
	Source   halsocoach.Source
	Language string
	Holder   string
	Late     bool
	After    string
}

// Inbox is a page of what fits the question at a centre. What waits comes by the
// promise, the first one due first; what is decided comes with the latest first.
func (s *Records) Inbox(ctx context.Context, centre string, q InboxQuery) ([]Referral, string, error) {
	find := store.Query{Index: "queue", Equal: []any{centre}, After: q.After}
	switch {
	case q.State != "":
		return s.page(ctx, store.Query{Index: "centre", Equal: []any{centre, string(q.State)}, Back: !q.State.Open(), After: q.After})
	case q.Source != "" || q.Language != "" || q.Holder != "":
		find.Index, find.Equal = "filter", []any{Filter(centre, q.Source, q.Language, q.Holder)}
	}
	if q.Late {
		find.Before = Over(s.Clock())
	}
	return s.page(ctx, find)
}

// Fits says whether r is among what the question asks for at its centre.
func (q InboxQuery) Fits(r Referral, now time.Time) bool {
	if q.State != "" {
		return r.State == q.State
	}
	return r.State.Open() && slices.Contains(r.filters(), Filter(r.Centre, q.Source, q.Language, q.Holder)) && (!q.Late || r.Late(now))
}

// SentBy is what one sender has sent and, unless state is "", sees in that
// state; newest first.
func (s *Records) SentBy(ctx context.Context, staff string, state State, after string) ([]Referral, string, error) {
	q := store.Query{Index: "sender", Equal: []any{staff}, Back: true, After: after}
	if state != "" {
		q.Index, q.Equal = "mine", []any{staff + "/" + string(state)}
	}
	return s.page(ctx, q)
}

// aboutMost bounds how many recommendations about one id are looked at.
const aboutMost = 20

// About is what there is about a person, who has these ids, newest first.
func (s *Records) About(ctx context.Context, ids ...string) ([]Referral, error) {
	var all []Referral
	for _, id := range ids {
		found, _, err := s.referrals.Find(ctx, store.Query{Index: "person", Equal: []any{id}, Back: true, Limit: aboutMost})
		if err != nil {
			return nil, fmt.Errorf("referrals about a person: %w", err)
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b Referral) int { return b.Received.Compare(a.Received) })
	return all, nil
}

// IDsAbout are the ids of what there is about one id of a person, the newest first.
func (s *Records) IDsAbout(ctx context.Context, id string) ([]string, error) {
	ids, _, err := s.referrals.IDs(ctx, store.Query{Index: "person", Equal: []any{id}, Back: true, Limit: aboutMost})
	return ids, err
}

// openAt are the open recommendations to a centre about a person who has these
// ids, by id.
func (s *Records) openAt(ctx context.Context, centre string, ids ...string) ([]Referral, error) {
	var all []Referral
	for _, id := range ids {
		r, err := s.openOne(ctx, id+"/"+centre)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("what is open about a person: %w", err)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Referral) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// ofEnrolment are those that an enrolment was made from.
func (s *Records) ofEnrolment(ctx context.Context, enrolment string) ([]Referral, error) {
	if enrolment == "" {
		return nil, nil
	}
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "enrolment", Equal: []any{enrolment}, Limit: 20})
	return found, err
}

// openOne is the recommendation that waits about the person at the centre.
func (s *Records) openOne(ctx context.Context, open string) (Referral, error) {
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "open", Equal: []any{open}, Limit: 1})
	if err != nil {
		return Referral{}, err
	}
	if len(found) == 0 {
		return Referral{}, store.ErrNotFound
	}
	return found[0], nil
}

// madeOf is the recommendation that holds what a sender knows by this id: for a new
// sending the one that it made, or the one it joined.
func (s *Records) madeOf(ctx context.Context, id string) (Referral, error) {
	r, _, err := s.known(ctx, id, func(Sending) bool { return true })
	return r, err
}

// Find is a recommendation by its own id, or by the one by which a sender knows it.
func (s *Records) Find(ctx context.Context, id string) (Referral, error) {
	r, err := s.referrals.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return s.madeOf(ctx, id)
	}
	return r, err
}

// known is the recommendation that holds what a sender knows by this id, and what
// was sent, if it may be.
func (s *Records) known(ctx context.Context, id string, may func(Sending) bool) (Referral, Sending, error) {
	sending, _, _ := strings.Cut(id, ".")
	found, err := s.OfSending(ctx, sending)
	if err != nil {
		return Referral{}, Sending{}, err
	}
	for _, r := range found {
		for _, x := range r.Sendings {
			if x.OwnID() == id && may(x) {
				return r, x, nil
			}
		}
	}
	return Referral{}, Sending{}, store.ErrNotFound
}

// SentAs is the recommendation that holds what the sender knows by this id.
func (s *Records) SentAs(ctx context.Context, staff, id string) (Referral, Sending, error) {
	return s.known(ctx, id, func(x Sending) bool { return x.KnownTo(staff) })
}

// OfSending are the recommendations that hold what was sent under an id: more than
// one when it was forwarded.
func (s *Records) OfSending(ctx context.Context, sending string) ([]Referral, error) {
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "sending", Equal: []any{sending}, Limit: 20})
	return found, err
}

// carriedTo is the recommendation to which a sending came from one that was
// forwarded.
func (s *Records) carriedTo(ctx context.Context, forwarded, sending string) (Referral, error) {
	found, err := s.OfSending(ctx, sending)
	if err != nil {
		return Referral{}, err
	}
	for _, r := range found {
		if slices.ContainsFunc(r.Sendings, func(x Sending) bool { return x.ID == sending && x.Carried == forwarded }) {
			return r, nil
		}
	}
	return Referral{}, store.ErrNotFound
}

// mostWaiting bounds what a coach's desk is told.
const mostWaiting = 100

// Untouched is how many at a centre nobody has taken though the promise has passed,
// at most mostWaiting.
func (s *Records) Untouched(ctx context.Context, centre string) (int, error) {
	ids, _, err := s.referrals.IDs(ctx, store.Query{Index: "filter", Equal: []any{Filter(centre, "", "", Nobody)}, Before: Over(s.Clock()), Limit: mostWaiting})
	return len(ids), err
}

// UntouchedIn is how many in a kommun were received before a time and have been
// taken by nobody, at most a thousand. People with protected identity are in no
// count of a kommun.
func (s *Records) UntouchedIn(ctx context.Context, kommun string, before time.Time) (n int, err error) {
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "untouched", Equal: []any{kommun}, Before: before, Limit: 1000})
	if err != nil {
		return 0, err
	}
	persons, err := s.Identities(ctx, found...)
	for _, r := range found {
		if !persons[r.Person].Protected {
			n++
		}
	}
	return n, err
}

// Waiting is how many wait for a decision at a centre, at most mostWaiting, and
// when the first is due.
func (s *Records) Waiting(ctx context.Context, centre string) (int, time.Time, error) {
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "queue", Equal: []any{centre}, Limit: mostWaiting})
	if err != nil || len(found) == 0 {
		return 0, time.Time{}, err
	}
	return len(found), found[0].Due, nil
}

// Callers are how many wait to be called at the centre and have not been asked
// what they want, at most most.
func (s *Records) Callers(ctx context.Context, centre string, most int) (int, error) {
	if centre == "" {
		return 0, nil
	}
	ids, _, err := s.referrals.IDs(ctx, store.Query{Index: "callMe", Equal: []any{centre}, Limit: most})
	return len(ids), err
}

// Identities say who the persons of recommendations are, with one question.
func (s *Records) Identities(ctx context.Context, all ...Referral) (map[string]person.Identity, error) {
	ids := make([]string, len(all))
	for i, r := range all {
		ids[i] = r.Person
	}
	return s.Persons.Many(ctx, ids...)
}

// Change lets do work on a recommendation at now, and keeps what lies in indexes
// true. do must neither read a store nor wait.
func (s *Records) Change(ctx context.Context, id string, do func(r *Referral, now time.Time) ([]halsocoach.Event, error)) (Referral, error) {
	return s.referrals.Update(ctx, id, func(r *Referral) ([]halsocoach.Event, error) {
		now, before, changedAt := s.Clock().UTC(), r.seen(), r.Changed
		events, err := do(r, now)
		if err != nil {
			return nil, err
		}
		r.index(before, now)
		if len(events) == 0 && !r.Changed.Equal(changedAt) {
			events = []halsocoach.Event{Changed(*r, now)} // what a sender sees has changed, and those who follow are told
		}
		return events, nil
	})
}
