package referral

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Item is a recommendation in a centre's inbox. Name is "" when it is not shown.
type Item struct {
	ID        string
	Name      string
	Topics    []halsocoach.Topic
	Source    halsocoach.Source
	Centre    string
	State     State
	Received  time.Time
	Due       time.Time
	Late      bool // the promise has passed while nobody has decided
	Senders   int
	Protected bool
	Language  string // "" for Swedish
	Interpret bool
	CallMe    bool   // a caller whom nobody has asked yet what they want
	TakenBy   string // staff id of the coach who has it, while it is undecided
}

// Words are what one sender said, opened.
type Words struct {
	Sender, Unit             string // names; Sender is "" for the person's own contact
	Source                   halsocoach.Source
	At                       time.Time
	Topics                   []halsocoach.Topic
	Consent                  Consent
	Language                 string
	Interpreter              bool
	Gone                     *Gone
	Name, Phone, Email, Note string
	Wants                    string
}

// Detail is a recommendation as the coach who is to decide sees it.
type Detail struct {
	Item
	Words    []Words
	Shown    bool // whether name, contact and note are shown
	Decision *Decision
	By       string // name of the one who decided
	ToName   string // name of the centre it was forwarded to
	Doc      Referral
}

// Asked is which of a centre's recommendations a coach wants to see. Source,
// language ("sv" for Swedish), holder (a staff id, or Nobody) and Late narrow what
// waits; a State other than "" is a list of its own.
type Asked struct {
	State    State
	Source   halsocoach.Source
	Language string
	Holder   string
	Late     bool
	After    string
}

// Inbox are the recommendations to the coach's centre in one state, or for "" all
// that are undecided, with the first promise first. centre may be empty; else it is the coach's.
func (s *Service) Inbox(ctx context.Context, who halsocoach.Actor, centre string, state State, after string) (items []Item, next string, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return nil, "", err
	}
	if who.Centre == "" || centre != "" && centre != who.Centre {
		return nil, "", halsocoach.ErrNotFound
	}
	return s.Box(ctx, who, Asked{State: state, After: after})
}

// Box is a page of the inbox of the coach's centre.
func (s *Service) Box(ctx context.Context, who halsocoach.Actor, q Asked) (items []Item, next string, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return nil, "", err
	}
	if who.Centre == "" {
		return nil, "", halsocoach.ErrNotFound
	}
	if q.State != "" && !q.State.Known() {
		return nil, "", halsocoach.Invalid(halsocoach.Field{Name: "state", Text: "Tillståndet finns inte."})
	}
	find := func() ([]Referral, string, error) { return s.box(ctx, who.Centre, q) }
	if q.State != "" {
		find = func() ([]Referral, string, error) { return s.inbox(ctx, who.Centre, q.State, q.After) }
	}
	found, next, err := find()
	if err != nil {
		return nil, "", fmt.Errorf("inbox of %s: %w", who.Centre, err)
	}
	shown := found[:0]
	for _, r := range found {
		if r.MayOpen(who) && !(q.Late && r.reached()) {
			shown = append(shown, r)
		}
	}
	if err := s.saw(ctx, who, "read inbox", shown); err != nil {
		return nil, "", err
	}
	items, err = s.items(ctx, who, shown)
	return items, next, err
}

// Stored is a recommendation as it is stored, for the rooms of this package: of a
// coach who may open it. What is shown of the person is the room's to log.
func (s *Service) Stored(ctx context.Context, who halsocoach.Actor, id string) (Referral, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return Referral{}, err
	}
	r, err := s.one(ctx, id)
	if err != nil {
		return Referral{}, fmt.Errorf("referral %s: %w", id, err)
	}
	if !r.MayOpen(who) {
		return Referral{}, halsocoach.ErrNotFound
	}
	return r, nil
}

// Before is a recommendation that was forwarded, for the room that tells the next
// centre its way; whoever asks has been judged by what came of it.
func (s *Service) Before(ctx context.Context, id string) (Referral, error) {
	r, err := s.referrals.Get(ctx, id)
	if err == nil && r.State != Forwarded {
		err = halsocoach.ErrNotFound
	}
	if err != nil {
		return Referral{}, fmt.Errorf("before %s: %w", id, err)
	}
	return r, nil
}

// About are the recommendations about a person, newest first, at most 20; for the
// room that judges what it shows of them.
func (s *Service) About(ctx context.Context, person string) ([]Referral, error) {
	return s.aboutPerson(ctx, person)
}

// Said are the senders' words, opened, for the room that judges what it shows.
func (s *Service) Said(ctx context.Context, r Referral) ([]Words, error) { return s.open(ctx, r) }

// ByEvent is the recommendation that an event is about, for the room's consumer.
func (s *Service) ByEvent(ctx context.Context, id string) (Referral, error) {
	return s.referrals.Get(ctx, id)
}

// Sealed are the sealed words of a recommendation, each with what it was sealed as,
// for the room that moves it to another person.
func (r *Referral) Sealed(do func(purpose string, box *seal.Sealed) error) error {
	for i := range r.Sendings {
		x := &r.Sendings[i]
		for _, part := range []struct {
			purpose string
			box     *seal.Sealed
		}{{"referral.name", &x.Name}, {"referral.phone", &x.Phone}, {"referral.email", &x.Email}, {"referral.wants", &x.Wants}, {"referral.note", &x.Note}} {
			if err := do(part.purpose, part.box); err != nil {
				return err
			}
		}
	}
	for i := range r.Attempts {
		if err := do(PurposeAttempt, &r.Attempts[i].Note); err != nil {
			return err
		}
	}
	return nil
}

// PurposeAttempt is what the note of an attempt is sealed as.
const PurposeAttempt = "referral.attempt"

// Kept is a recommendation as it is stored, with the version that Remove asks for.
func (s *Service) Kept(ctx context.Context, id string) (r Referral, version string, err error) {
	docs, err := s.Store.Get(ctx, referrals.Name, id)
	if err == nil && len(docs) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return r, "", err
	}
	return r, docs[0].Version, json.Unmarshal(docs[0].Body, &r)
}

// Remove takes one away that is to join another, if it is still stored in this
// version, so that nothing goes with it that the caller does not have;
// store.ErrConflict or ErrNotFound if it is not. Kept, Remove and Restore are for
// the room that merges persons.
func (s *Service) Remove(ctx context.Context, r Referral, version string) error {
	return s.Store.Delete(ctx, referrals.Name, r.ID, version, []halsocoach.Event{changed(r, s.Clock())})
}

// Restore is the way back from Remove; store.ErrConflict if it is there.
func (s *Service) Restore(ctx context.Context, r Referral) error {
	r.index(r.seen(), s.Clock())
	events := []halsocoach.Event{changed(r, s.Clock())}
	if r.Protected {
		events = append(events, happened(EventShielded, r, s.Clock()))
	}
	return s.referrals.Insert(ctx, r.ID, r, events...)
}

// Change lets a room work on a recommendation at now; whoever may has been judged.
func (s *Service) Change(ctx context.Context, id string, do func(r *Referral, now time.Time) ([]halsocoach.Event, error)) (Referral, error) {
	return s.change(ctx, id, do)
}

// Move does a coach's act for a room, with the event that tells those who follow.
func (r *Referral) Move(act Act, at time.Time) ([]halsocoach.Event, error) {
	if err := r.move(act, halsocoach.RoleCoach); err != nil {
		return nil, err
	}
	return []halsocoach.Event{changed(*r, at)}, nil
}

// Untouched is how many at the coach's centre nobody has taken though the promise
// has passed, at most 100.
func (s *Service) Untouched(ctx context.Context, who halsocoach.Actor) (int, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return 0, err
	}
	found, err := s.untouchedAt(ctx, who.Centre)
	if err != nil {
		return 0, fmt.Errorf("untouched at %s: %w", who.Centre, err)
	}
	return len(found), nil
}

// UntouchedIn is how many in a kommun were received before a time and have been
// taken by nobody, at most a thousand, people with protected identity left out;
// whoever asks has been judged.
func (s *Service) UntouchedIn(ctx context.Context, kommun string, before time.Time) (int, error) {
	n, err := s.untouchedIn(ctx, kommun, before)
	if err != nil {
		return 0, fmt.Errorf("untouched in %s: %w", kommun, err)
	}
	return n, nil
}

// Read is one recommendation, for a coach of its centre.
func (s *Service) Read(ctx context.Context, who halsocoach.Actor, id string) (Detail, error) {
	r, err := s.Stored(ctx, who, id)
	if err != nil {
		return Detail{}, err
	}
	if err := s.saw(ctx, who, "read referral", []Referral{r}); err != nil {
		return Detail{}, err
	}
	return s.detail(ctx, who, r)
}

func (s *Service) detail(ctx context.Context, who halsocoach.Actor, r Referral) (Detail, error) {
	d := Detail{Doc: r, Item: s.item(r), Shown: r.ShowsPerson(who), Decision: r.Verdict()}
	var err error
	if d.Words, err = s.open(ctx, r); err != nil {
		return Detail{}, err
	}
	for i, x := range r.Sendings {
		w := &d.Words[i]
		if !d.Shown || x.Gone != nil {
			w.Name, w.Phone, w.Email, w.Note, w.Wants = "", "", "", "", ""
		}
		if x.Source != halsocoach.FromSelf {
			if w.Sender, err = s.colleague(ctx, x.Sender); err != nil {
				return Detail{}, err
			}
		}
		if w.Unit, err = s.unitName(ctx, x.Unit); err != nil {
			return Detail{}, err
		}
		if w.Name != "" {
			d.Name = w.Name
		}
	}
	if d.Decision == nil {
		return d, nil
	}
	if d.By, err = s.colleague(ctx, d.Decision.By); err != nil || d.Decision.To == "" {
		return d, err
	}
	d.ToName, err = s.centreName(ctx, d.Decision.To)
	return d, err
}

// open are the senders' words, opened with one question to the key store. What
// was sealed with a destroyed key is empty.
func (s *Service) open(ctx context.Context, r Referral) ([]Words, error) {
	var boxes []seal.Box
	for _, x := range r.Sendings {
		boxes = append(boxes, seal.Box{Person: r.Person, Purpose: "referral.name", Sealed: x.Name}, seal.Box{Person: r.Person, Purpose: "referral.phone", Sealed: x.Phone},
			seal.Box{Person: r.Person, Purpose: "referral.email", Sealed: x.Email}, seal.Box{Person: r.Person, Purpose: "referral.note", Sealed: x.Note},
			seal.Box{Person: r.Person, Purpose: "referral.wants", Sealed: x.Wants})
	}
	plain, err := s.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open referral %s: %w", r.ID, err)
	}
	out := make([]Words, len(r.Sendings))
	for i, x := range r.Sendings {
		p := plain[5*i : 5*i+5]
		out[i] = Words{Source: x.Source, At: x.At, Topics: x.Topics, Consent: x.Consent, Language: x.Language, Interpreter: x.Interpret, Gone: x.Gone,
			Name: p[0], Phone: p[1], Email: p[2], Note: p[3], Wants: p[4]}
	}
	return out, nil
}

// item is the row without the name.
func (s *Service) item(r Referral) Item {
	i := Item{ID: r.ID, Topics: r.Topics(), Source: r.holding()[0].Source, Centre: r.Centre, State: r.State, Received: r.Received, Due: r.Due,
		Late: r.State.Open() && r.Due.Before(over(s.Clock())) && !r.reached(), Senders: len(r.holding()), Protected: r.Protected, CallMe: r.CallMe != ""}
	i.Language, i.Interpret = r.Language()
	if r.Taken != nil {
		i.TakenBy = r.Taken.By
	}
	return i
}

// items are rows with names, opened in one question.
func (s *Service) items(ctx context.Context, who halsocoach.Actor, found []Referral) ([]Item, error) {
	items, boxes := make([]Item, len(found)), make([]seal.Box, len(found))
	for i, r := range found {
		items[i] = s.item(r)
		if r.ShowsPerson(who) {
			boxes[i] = seal.Box{Person: r.Person, Purpose: "referral.name", Sealed: last(r.holding()).Name}
		}
	}
	names, err := s.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open names: %w", err)
	}
	for i := range items {
		items[i].Name = names[i]
	}
	return items, nil
}

// sawItem is one row, logged as act.
func (s *Service) sawItem(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, r Referral) (Item, error) {
	if err := s.saw(ctx, who, act, []Referral{r}); err != nil {
		return Item{}, err
	}
	items, err := s.items(ctx, who, []Referral{r})
	if err != nil {
		return Item{}, err
	}
	return items[0], nil
}

func last(sent []Sending) Sending { return sent[len(sent)-1] }

// saw saves one access-log row with the persons that were shown to staff.
func (s *Service) saw(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, shown []Referral) error {
	if len(shown) == 0 || !who.Staff() {
		return nil
	}
	persons := make([]string, len(shown))
	for i, r := range shown {
		persons[i] = r.Person
	}
	return s.AccessLog.Saw(ctx, who, act, "rekommendation", persons...)
}

// centreName is the centre's name, or its code when the register has lost it.
func (s *Service) centreName(ctx context.Context, code string) (string, error) {
	c, err := s.Registers.Centre(ctx, code)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return code, nil
	}
	return c.Name, err
}

func (s *Service) unitName(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	u, err := s.Registers.Unit(ctx, id)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return id, nil
	}
	return u.Name, err
}
