package record

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Config is what the records need. Waits may be nil: then no waiting time is known.
type Config struct {
	Store     store.Store
	Seal      *seal.Sealer
	Clock     halsocoach.Clock
	Settings  halsocoach.Settings
	Registers halsocoach.Registers
	Staff     halsocoach.Staff
	AccessLog halsocoach.AccessLog
	Persons   Persons
	Waits     halsocoach.Waits
	Log       *slog.Logger
}

// Persons say who is who. Package person satisfies it.
type Persons interface {
	Of(ctx context.Context, id string) (person.Identity, error)
	Many(ctx context.Context, ids ...string) (map[string]person.Identity, error)
	Protect(ctx context.Context, who halsocoach.Actor, id string, where person.Where) error
}

// Records store the recommendations, for the rooms.
type Records struct {
	Config
	referrals *store.Shared[Referral]
}

// New makes the records.
func New(cfg Config) *Records {
	return &Records{Config: cfg, referrals: store.In[Referral](cfg.Store, referrals).Shared(1000)}
}

// Saw saves one access-log row with the persons who were shown to staff.
func (s *Records) Saw(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, shown ...Referral) error {
	if len(shown) == 0 || !who.Staff() {
		return nil
	}
	persons := make([]string, len(shown))
	for i, r := range shown {
		persons[i] = r.Person
	}
	return s.AccessLog.Saw(ctx, who, act, "rekommendation", persons...)
}

// Colleague is a staff member's name.
func (s *Records) Colleague(ctx context.Context, id string) (string, error) {
	m, err := s.Staff.Member(ctx, id)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return "En kollega", nil
	}
	if err != nil {
		return "", fmt.Errorf("colleague %s: %w", id, err)
	}
	return m.Name, nil
}

// CentreName is the centre's name, or its code when the register has lost it.
func (s *Records) CentreName(ctx context.Context, code string) (string, error) {
	c, err := s.Registers.Centre(ctx, code)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return code, nil
	}
	return c.Name, err
}

// UnitName is the name of a sender's unit, "" for none.
func (s *Records) UnitName(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	u, err := s.Registers.Unit(ctx, id)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return id, nil
	}
	return u.Name, err
}

// Words are what one sender said, opened.
type Words struct {
	From                     Sending
	Name, Phone, Email, Note string
	Wants                    string
}

// The purposes of what a sender says, in the order of Words.
const (
	purposeName  = "referral.name"
	purposePhone = "referral.phone"
	purposeEmail = "referral.email"
	purposeNote  = "referral.note"
	purposeWants = "referral.wants"
)

// Open opens the senders' words of several recommendations with one question to
// the key store. What was sealed with a destroyed key is empty.
func (s *Records) Open(ctx context.Context, all ...Referral) ([]Words, error) {
	var boxes []seal.Box
	var out []Words
	for _, r := range all {
		for _, x := range r.Sendings {
			out = append(out, Words{From: x})
			boxes = append(boxes, seal.Box{Person: r.Person, Purpose: purposeName, Sealed: x.Name}, seal.Box{Person: r.Person, Purpose: purposePhone, Sealed: x.Phone},
				seal.Box{Person: r.Person, Purpose: purposeEmail, Sealed: x.Email}, seal.Box{Person: r.Person, Purpose: purposeNote, Sealed: x.Note},
				seal.Box{Person: r.Person, Purpose: purposeWants, Sealed: x.Wants})
		}
	}
	plain, err := s.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open what senders have said: %w", err)
	}
	for i := range out {
		w, p := &out[i], plain[5*i:5*i+5]
		w.Name, w.Phone, w.Email, w.Note, w.Wants = p[0], p[1], p[2], p[3], p[4]
	}
	return out, nil
}

// NameBox is the sealed name by the sender who was last to say.
func (r Referral) NameBox() seal.Box {
	said := r.Holding()
	return r.NameIn(said[len(said)-1])
}

// NameIn is the sealed name as one sender wrote it.
func (r Referral) NameIn(x Sending) seal.Box {
	return seal.Box{Person: r.Person, Purpose: purposeName, Sealed: x.Name}
}

// ContactIn is the sealed phone number and e-mail address as one sender wrote them.
func (r Referral) ContactIn(x Sending) []seal.Box {
	return []seal.Box{{Person: r.Person, Purpose: purposePhone, Sealed: x.Phone}, {Person: r.Person, Purpose: purposeEmail, Sealed: x.Email}}
}

// SealContact seals how the person is reached.
func (s *Records) SealContact(ctx context.Context, person string, to Contact) (phone, email seal.Sealed, err error) {
	if phone, err = s.Seal.Seal(ctx, person, purposePhone, to.Phone); err == nil {
		email, err = s.Seal.Seal(ctx, person, purposeEmail, to.Email)
	}
	return phone, email, err
}

// SenderView is a recommendation as its sender sees it: their own words, the state
// and, if it was declined or has ended, the class of why. Nothing more than the
// person has said yes to.
type SenderView struct {
	ID         string
	Name       string
	Topics     []halsocoach.Topic
	Centre     string
	CentreName string
	Seen
	Consent   Consent
	Received  time.Time // theirs, not of one who came before
	Came      time.Time // to this centre: later than Received if it was forwarded
	Due       time.Time
	Placer    string    // the sender's own identifier
	Protected bool      // the sender said that the person has protected identity
	Changed   time.Time // when what the sender sees last did
	Late      bool      // the promise has passed, and nobody has reached the person
	// What the sender may do now.
	MayWithdraw, MayErr bool
}

// ErrStale says that what the sender sees has changed since they read it.
var ErrStale = halsocoach.Conflict("stale", "Det har hänt något sedan du läste. Läs igen och försök på nytt.")

// Accepted is what an enrolment is made from, for package citizen; the name and
// contact of the sender who was last to say. ErrNotFound when nobody has taken
// the person in.
func (s *Records) Accepted(ctx context.Context, id string) (halsocoach.Accepted, error) {
	r, err := s.referrals.Get(ctx, id)
	if err != nil {
		return halsocoach.Accepted{}, fmt.Errorf("accepted %s: %w", id, err)
	}
	v := r.Verdict()
	if !r.State.TakenIn() || v == nil {
		return halsocoach.Accepted{}, halsocoach.ErrNotFound
	}
	said, err := s.Open(ctx, r)
	if err != nil {
		return halsocoach.Accepted{}, fmt.Errorf("accepted %s: %w", id, err)
	}
	a := halsocoach.Accepted{Referral: r.ID, Person: r.Person, Centre: r.Centre, Coach: v.By, Source: r.Holding()[0].Source, Topics: r.Topics(),
		Sex: r.Sex, AgeBand: r.AgeBand, At: v.At}
	for _, w := range said {
		if w.From.Gone != nil {
			continue
		}
		for _, part := range []struct{ into, from *string }{{&a.Name, &w.Name}, {&a.Phone, &w.Phone}, {&a.Email, &w.Email}} {
			if *part.from != "" {
				*part.into = *part.from
			}
		}
	}
	return a, nil
}

// Unenrolled finds recommendations that were taken in and of which package citizen
// has not yet said that the enrolment is made, as store.Unfinished asks.
func (s *Records) Unenrolled(ctx context.Context, from, before time.Time, after string) (ids []string, next string, err error) {
	return s.referrals.Since("unenrolled")(ctx, from, before, after)
}

// Status is what the waiting times need to know of a recommendation. It is an
// unnamed struct, so that the package that asks declares it in its own words.
type Status = struct {
	Centre    string
	Received  time.Time // at this centre
	Open      bool      // a coach is still to decide
	TakenIn   bool      // the person was accepted, whatever came after
	Protected bool      // the person has protected identity, by now
}

// Status is how a recommendation stands now, for the program itself: it says
// nothing about who the person is.
func (s *Records) Status(ctx context.Context, id string) (Status, error) {
	r, err := s.referrals.Get(ctx, id)
	if err != nil {
		return Status{}, fmt.Errorf("status of %s: %w", id, err)
	}
	one, err := s.Persons.Of(ctx, r.Person)
	if err != nil {
		return Status{}, fmt.Errorf("status of %s: %w", id, err)
	}
	return Status{Centre: r.Centre, Received: r.Received, Open: r.State.Open(), TakenIn: r.State.TakenIn(), Protected: one.Protected}, nil
}
