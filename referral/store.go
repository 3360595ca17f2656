package referral

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"halsocoach"
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
}}

// Kinds are the kinds of this package.
func Kinds() []store.Kind { return []store.Kind{referrals} }

const pageSize = 50

// page reads one page of a list; a cursor that is not ours is an answer to mend.
func (s *Service) page(ctx context.Context, q store.Query) ([]Referral, string, error) {
	q.Limit = pageSize
	found, next, err := s.referrals.Find(ctx, q)
	if errors.Is(err, store.ErrCursor) {
		err = halsocoach.Invalid(halsocoach.Field{Name: "after", Text: "Sidan finns inte längre. Börja om från listans början."})
	}
	return found, next, err
}

// inbox is a centre's recommendations in one state, or for "" all that are
// undecided, by the promise: the first one due comes first. What is decided comes
// with the latest first.
func (s *Service) inbox(ctx context.Context, centre string, state State, after string) ([]Referral, string, error) {
	if state == "" {
		return s.page(ctx, store.Query{Index: "queue", Equal: []any{centre}, After: after})
	}
	return s.page(ctx, store.Query{Index: "centre", Equal: []any{centre, string(state)}, Back: !state.Open(), After: after})
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
	for _, x := range r.holding() {
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

// box is what waits at a centre and fits the question, the first one due first.
func (s *Service) box(ctx context.Context, centre string, q Asked) ([]Referral, string, error) {
	find := store.Query{Index: "queue", Equal: []any{centre}, After: q.After}
	if q.Source != "" || q.Language != "" || q.Holder != "" {
		find.Index, find.Equal = "filter", []any{Filter(centre, q.Source, q.Language, q.Holder)}
	}
	if q.Late {
		find.Before = over(s.Clock())
	}
	return s.page(ctx, find)
}

// sentBy is what one sender has sent and, unless state is "", sees in that
// state; newest first.
func (s *Service) sentBy(ctx context.Context, staff string, state State, after string) ([]Referral, string, error) {
	q := store.Query{Index: "sender", Equal: []any{staff}, Back: true, After: after}
	if state != "" {
		q.Index, q.Equal = "mine", []any{staff + "/" + string(state)}
	}
	return s.page(ctx, q)
}

// aboutPerson is what there is about a person, newest first.
func (s *Service) aboutPerson(ctx context.Context, person string) ([]Referral, error) {
	all, _, err := s.referrals.Find(ctx, store.Query{Index: "person", Equal: []any{person}, Back: true, Limit: 20})
	return all, err
}

// ofEnrolment are those that an enrolment was made from.
func (s *Service) ofEnrolment(ctx context.Context, enrolment string) ([]Referral, error) {
	if enrolment == "" {
		return nil, nil
	}
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "enrolment", Equal: []any{enrolment}, Limit: 20})
	return found, err
}

// openOne is the recommendation that waits about the person at the centre.
func (s *Service) openOne(ctx context.Context, open string) (Referral, error) {
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
func (s *Service) madeOf(ctx context.Context, id string) (Referral, error) {
	r, _, err := s.known(ctx, id, func(Sending) bool { return true })
	return r, err
}

// one is a recommendation by its own id, or by the one by which a sender knows it.
func (s *Service) one(ctx context.Context, id string) (Referral, error) {
	r, err := s.referrals.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return s.madeOf(ctx, id)
	}
	return r, err
}

// known is the recommendation that holds what a sender knows by this id, and what
// was sent, if it may be.
func (s *Service) known(ctx context.Context, id string, may func(Sending) bool) (Referral, Sending, error) {
	sending, _, _ := strings.Cut(id, ".")
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "sending", Equal: []any{sending}, Limit: 20})
	if err != nil {
		return Referral{}, Sending{}, err
	}
	for _, r := range found {
		for _, x := range r.Sendings {
			if x.ownID() == id && may(x) {
				return r, x, nil
			}
		}
	}
	return Referral{}, Sending{}, store.ErrNotFound
}

// sentAs is the recommendation that holds what the sender knows by this id.
func (s *Service) sentAs(ctx context.Context, staff, id string) (Referral, Sending, error) {
	return s.known(ctx, id, func(x Sending) bool { return x.knownTo(staff) })
}

// carriedTo is the recommendation to which a sending came from one that was
// forwarded.
func (s *Service) carriedTo(ctx context.Context, forwarded, sending string) (Referral, error) {
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "sending", Equal: []any{sending}, Limit: 20})
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

// waitingCount bounds what a coach's desk is told.
const waitingCount = 100

// untouchedAt are those at a centre that nobody has taken though the promise has
// passed, at most waitingCount.
func (s *Service) untouchedAt(ctx context.Context, centre string) ([]Referral, error) {
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "filter", Equal: []any{Filter(centre, "", "", Nobody)}, Before: over(s.Clock()), Limit: waitingCount})
	return found, err
}

// untouchedIn is how many in a kommun, received before a time, nobody has taken;
// at most a thousand.
func (s *Service) untouchedIn(ctx context.Context, kommun string, before time.Time) (int, error) {
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "untouched", Equal: []any{kommun}, Before: before, Limit: 1000})
	return len(found), err
}

// change lets do work on a recommendation at now, and keeps what lies in indexes
// true.
func (s *Service) change(ctx context.Context, id string, do func(r *Referral, now time.Time) ([]halsocoach.Event, error)) (Referral, error) {
	return s.referrals.Update(ctx, id, func(r *Referral) ([]halsocoach.Event, error) {
		now, before, changedAt, open := s.Clock().UTC(), r.seen(), r.Changed, !r.Protected
		events, err := do(r, now)
		if err != nil {
			return nil, err
		}
		r.index(before, now)
		if len(events) == 0 && !r.Changed.Equal(changedAt) {
			events = []halsocoach.Event{changed(*r, now)} // what a sender sees has changed, and those who follow are told
		}
		if open && r.Protected {
			events = append(events, happened(EventShielded, *r, now))
		}
		return events, nil
	})
}

// waitingAt is how many wait for a decision at the centre, at most
// waitingCount, and when the first is due.
func (s *Service) waitingAt(ctx context.Context, centre string) (int, time.Time, error) {
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "queue", Equal: []any{centre}, Limit: waitingCount})
	if err != nil || len(found) == 0 {
		return 0, time.Time{}, err
	}
	return len(found), found[0].Due, nil
}
