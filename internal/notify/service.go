package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
	"halsocoach/internal/web"
)

// Config is what the service needs.
type Config struct {
	Settings
	Store         store.Store
	Seal          *seal.Sealer
	Clock         halsocoach.Clock
	Log           *slog.Logger
	PublicURL     string
	Referrals     Referrals
	Talks         Talks
	Staff         halsocoach.Staff
	Conversations Conversations
	Persons       *person.Service
	Every         time.Duration // how often what is due is looked for; 0 = five seconds
	Timeout       time.Duration // of each word of the mail server; 0 = fifteen seconds
}

// Service makes and sends notices.
type Service struct {
	Config
	notices store.Collection[notice]
	choices store.Collection[choice]
}

// New makes the service.
func New(cfg Config) *Service {
	if cfg.Every == 0 {
		cfg.Every = 5 * time.Second
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 15 * time.Second
	}
	return &Service{Config: cfg, notices: store.In[notice](cfg.Store, noticeKind), choices: store.In[choice](cfg.Store, choiceKind)}
}

// The faults of a choice.
var (
	ErrOff       = halsocoach.Conflict("notices_off", "Tjänsten skickar inga brev.")
	ErrProtected = halsocoach.Conflict("notices_protected", "Du har skyddade personuppgifter. Därför skickar vi ingenting till dig.")
)

// Choose is somebody's choice for themselves.
func (s *Service) Choose(ctx context.Context, who halsocoach.Actor, in ChoiceInput) error {
	if !who.SignedIn() {
		return halsocoach.ErrSignIn
	}
	in = in.tidy()
	if err := in.check(); err != nil {
		return err
	}
	email := Channel(in.Channel) == Email
	switch {
	case email && !s.On():
		return ErrOff
	case email:
		protected, err := s.Persons.Protected(ctx, who.ID)
		if err != nil {
			return fmt.Errorf("notices: choose: %w", err)
		}
		if protected {
			return ErrProtected
		}
	}
	next := choice{Person: who.ID, Channel: Channel(in.Channel), Since: s.Clock().UTC()}
	if email {
		have, err := s.choices.Get(ctx, who.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("notices: choose: %w", err)
		}
		if next.Key = have.Key; who.Role == halsocoach.RoleCitizen {
			next.Key = who.ID
		} else if next.Key == "" {
			if next.Key, err = s.Seal.NewPerson(ctx); err != nil {
				return fmt.Errorf("notices: choose: %w", err)
			}
		}
		if next.Address, err = s.Seal.Seal(ctx, next.Key, sealedAs, in.Address); err != nil {
			return fmt.Errorf("notices: choose: %w", err)
		}
		next.Lang = web.Language(ctx)
	}
	_, err := s.choices.Upsert(ctx, who.ID, func(c *choice) ([]halsocoach.Event, error) {
		since, same := c.Since, c.Channel == next.Channel
		if next.Key == "" {
			next.Key = c.Key // for the next address
		}
		if *c = next; same {
			c.Since = since
		}
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("notices: choose: %w", err)
	}
	return nil
}

// Chosen is what somebody has chosen, as they wrote it.
func (s *Service) Chosen(ctx context.Context, who halsocoach.Actor) (ChoiceInput, error) {
	if !who.SignedIn() {
		return ChoiceInput{}, halsocoach.ErrSignIn
	}
	c, address, err := s.choiceOf(ctx, who.ID)
	if err != nil {
		return ChoiceInput{}, err
	}
	return ChoiceInput{string(c.Channel), address}, nil
}

// Barred says whether nothing is ever sent to the one who asks, since they have
// protected identity.
func (s *Service) Barred(ctx context.Context, who halsocoach.Actor) (bool, error) {
	return s.Persons.Protected(ctx, who.ID)
}

// choiceOf is what somebody has chosen, None when nothing, with the address.
func (s *Service) choiceOf(ctx context.Context, id string) (choice, string, error) {
	c, err := s.choices.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return choice{Channel: None}, "", nil
	}
	if err != nil || c.Channel != Email {
		return c, "", err
	}
	address, err := s.Seal.Open(ctx, c.Key, sealedAs, c.Address)
	if errors.Is(err, seal.ErrGone) {
		return choice{Channel: None}, "", nil
	}
	return c, address, err
}

// News is what somebody is to be told.
type News struct {
	Cause    string // what it comes of: the same again is the same notice
	To       string // person or staff id
	Template Template
	At       time.Time // when it happened
	Due      time.Time // zero = at once
	About    string    // for Waiting: the conversation
}

// Tell makes a notice, if the one it is for has chosen to be told before it
// happened, under whichever of their ids, and does not have protected identity.
func (s *Service) Tell(ctx context.Context, n News) error {
	if !s.On() || n.To == "" {
		return nil
	}
	c, wanted, err := s.wanted(ctx, n)
	if err != nil {
		return fmt.Errorf("notices: tell: %w", err)
	}
	if !wanted {
		return nil
	}
	doc := notice{ID: halsocoach.IDFrom("notice", n.Cause, n.To, string(n.Template)), To: c.Person, Channel: c.Channel, Template: n.Template, About: n.About, At: n.At.UTC()}
	due := n.Due.UTC()
	if n.Due.IsZero() {
		due = s.Clock().UTC()
	}
	doc.Due = &due
	if err := s.notices.Insert(ctx, doc.ID, doc); err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("notices: tell: %w", err)
	}
	return nil
}

// wanted is the choice to be told by which news is sent.
func (s *Service) wanted(ctx context.Context, n News) (c choice, wanted bool, err error) {
	who, err := s.Persons.Of(ctx, n.To)
	if err != nil || who.Protected {
		return choice{}, false, err
	}
	all, err := s.choices.Many(ctx, who.IDs...)
	for _, one := range all {
		if one.Channel == Email && !n.At.Before(one.Since) && (!wanted || one.Since.After(c.Since)) {
			c, wanted = one, true
		}
	}
	return c, wanted, err
}

// errTaken says that another node has the notice.
var errTaken = errors.New("notify: another has the notice")

// SendDue sends what is due, until nothing is or the mail server can not be
// reached. It is safe with any number of nodes.
func (s *Service) SendDue(ctx context.Context) error {
	for ctx.Err() == nil {
		found, err := s.due(ctx, s.Clock())
		if err != nil || len(found) == 0 {
			return err
		}
		for _, n := range found {
			switch f, err := s.send(ctx, n); {
			case err != nil:
				return err
			case f != nil && f.server:
				return nil // the next round tries again
			}
		}
	}
	return ctx.Err()
}

// send does one notice.
func (s *Service) send(ctx context.Context, n notice) (*fault, error) {
	now := s.Clock().UTC()
	c, address, err := s.choiceOf(ctx, n.To)
	if err != nil {
		return nil, fmt.Errorf("notice %s: %w", n.ID, err)
	}
	wanted, err := s.stillHere(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("notice %s: %w", n.ID, err)
	}
	change := func(n *notice) { n.claim(now) }
	if !wanted {
		change = func(n *notice) { n.drop(now) }
	} else if n.About != "" && n.Attempts == 0 {
		until, waits, err := s.stillWaits(ctx, n)
		switch {
		case err != nil:
			return nil, fmt.Errorf("notice %s: %w", n.ID, err)
		case !waits:
			change = func(n *notice) { n.drop(now) }
		case until.After(now):
			change = func(n *notice) { n.later(until) }
		}
	}
	due := *n.Due
	n, err = s.notices.Update(ctx, n.ID, func(n *notice) ([]halsocoach.Event, error) {
		if n.Due == nil || !n.Due.Equal(due) {
			return nil, errTaken
		}
		change(n)
		return nil, nil
	})
	if errors.Is(err, errTaken) || errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil || n.Due == nil || n.Attempts == 0 {
		return nil, err
	}
	subject, text := write(ctx, n.Template, c.Lang, s.PublicURL)
	f := s.Settings.post(ctx, s.Timeout, letter{id: s.messageID(n), to: address, subject: subject, text: text, at: now})
	if f != nil && ctx.Err() != nil {
		return nil, ctx.Err() // broken off, not failed: it is due again after the wait
	}
	return f, s.mark(ctx, n, f)
}

// stillHere says whether the choice stands: it is for mail, whoever made it does
// not have protected identity, and a colleague who made it has not left.
func (s *Service) stillHere(ctx context.Context, c choice) (bool, error) {
	if c.Channel != Email {
		return false, nil
	}
	if c.Key == c.Person {
		protected, err := s.Persons.Protected(ctx, c.Person)
		return !protected, err
	}
	m, err := s.Staff.Member(ctx, c.Person)
	if errors.Is(err, halsocoach.ErrNotFound) {
		return false, nil
	}
	return err == nil && !m.Ended, err
}

// mark saves how a try went, also while the program stops.
func (s *Service) mark(ctx context.Context, tried notice, f *fault) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	now := s.Clock().UTC()
	n, err := s.notices.Update(ctx, tried.ID, func(n *notice) ([]halsocoach.Event, error) {
		if n.Done == nil {
			n.went(now, f)
		}
		return nil, nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("notice %s: %w", tried.ID, err)
	case n.GaveUp != nil:
		s.Log.Error("notice is given up", "notice", n.ID, "attempts", n.Attempts, "why", n.Fault)
	case f != nil:
		s.Log.Warn("notice is tried again later", "notice", n.ID, "attempts", n.Attempts, "why", f.class)
	}
	return nil
}

// messageID is the same at every try, so that a repeat can be recognised.
func (s *Service) messageID(n notice) string {
	host := "halsocoach.invalid"
	if u, err := url.Parse(s.PublicURL); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	return n.ID + "@" + host
}

// Failed is a notice that could not be sent, as the operator sees it: nothing
// about whom it was for.
type Failed struct {
	ID       string
	At       time.Time // what it was about
	GaveUp   time.Time
	Attempts int
	Fault    string
}

// GivenUp are the notices that could not be sent, the latest first.
func (s *Service) GivenUp(ctx context.Context, who halsocoach.Actor, after string) (all []Failed, next string, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleOperator); err != nil {
		return nil, "", err
	}
	found, next, err := s.givenUp(ctx, after)
	if err != nil {
		return nil, "", fmt.Errorf("notices given up: %w", err)
	}
	for _, n := range found {
		all = append(all, Failed{n.ID, n.At, *n.GaveUp, n.Attempts, n.Fault})
	}
	return all, next, nil
}
