package fhir

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/referral/record"
)

// Config is what the service needs.
type Config struct {
	Store     store.Store
	Records   *record.Records
	Sender    Sender
	Clock     halsocoach.Clock
	PublicURL string
}

// Sender is what a sender does and sees. Room sender satisfies it: the door says the
// same in another language.
type Sender interface {
	Recommend(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, n record.NewReferral) (v record.SenderView, made bool, err error)
	SentOne(ctx context.Context, who halsocoach.Actor, id string) (record.SenderView, error)
	SentMany(ctx context.Context, who halsocoach.Actor, ids, within []string) ([]record.SenderView, error)
	Tracks(ctx context.Context, who halsocoach.Actor, sending string) ([]record.SenderView, error)
	Revise(ctx context.Context, who halsocoach.Actor, id string, act record.Act, version time.Time) (record.SenderView, error)
}

// Service is the door. All that it holds of its own is in which order Tasks
// changed.
type Service struct {
	cfg        Config
	entries    store.Collection[taskEntry]
	base       string // of every address, without a slash at the end
	capability []byte
}

// New makes the service.
func New(cfg Config) *Service {
	base := strings.TrimRight(cfg.PublicURL, "/") + "/fhir"
	return &Service{cfg: cfg, entries: store.In[taskEntry](cfg.Store, tasks), base: base, capability: append(marshal(capability(base)), '\n')}
}

// allow: care centres, and machines as far as their scope goes.
func allow(who halsocoach.Actor, resource string, right rune) error {
	if err := halsocoach.Allow(who, halsocoach.RoleCareCentre); err != nil {
		return err
	}
	if !who.Granted(resource, right) {
		return fault(http.StatusForbidden, r4.IssueTypeForbidden, "", "Åtkomstnyckeln gäller inte för det här: den behöver system/"+resource+"."+string(right)+".")
	}
	return nil
}

// Send makes one recommendation of a ServiceRequest with what it contains. made is
// false for one that has been sent before: then nothing new is made.
func (s *Service) Send(ctx context.Context, who halsocoach.Actor, body []byte, condition string) (own track, made bool, err error) {
	if err := allow(who, "ServiceRequest", 'c'); err != nil {
		return own, false, err
	}
	o, err := readRequest(body, condition)
	if err != nil {
		return own, false, err
	}
	return s.recommend(ctx, who, &o)
}

// Transact makes one recommendation of a Bundle, or nothing. kinds are those of
// its entries.
func (s *Service) Transact(ctx context.Context, who halsocoach.Actor, body []byte) (own track, kinds []string, made bool, err error) {
	if err := allow(who, "ServiceRequest", 'c'); err != nil {
		return own, nil, false, err
	}
	o, err := readBundle(body)
	if err != nil {
		return own, nil, false, err
	}
	own, made, err = s.recommend(ctx, who, &o)
	return own, o.kinds, made, err
}

func (s *Service) recommend(ctx context.Context, who halsocoach.Actor, o *order) (own track, made bool, err error) {
	r, err := o.validate(s.cfg.Clock())
	if err != nil {
		return own, false, err
	}
	req := halsocoach.Request{Key: r.key}
	sent, made, err := s.cfg.Sender.Recommend(ctx, who, req, r.asked)
	switch {
	case made:
		return s.now(ctx, sent), true, err
	case errors.Is(err, halsocoach.ErrKeyReused) && r.conditional: // by the rules of FHIR: what is there already is the answer
		sent, err = s.cfg.Sender.SentOne(ctx, who, req.ID(who, "referrals"))
	case errors.Is(err, halsocoach.ErrKeyReused):
		err = fault(http.StatusConflict, r4.IssueTypeDuplicate, r.where["placer"],
			"Beteckningen har redan använts för en annan rekommendation. Ingenting har ändrats.")
	case errors.Is(err, record.ErrAlready), errors.Is(err, record.ErrTooMany):
		err = fault(http.StatusConflict, r4.IssueTypeBusinessRule, r.where["placer"],
			"Ni har redan rekommenderat personen till det Hälsocentret, och den väntar på svar. Följ den i stället. När ni skickar samma en gång till ska den ha samma beteckning.")
	}
	if err != nil {
		return own, false, r.placed(err)
	}
	own, err = s.one(ctx, sent)
	return own, false, err
}

// placed gives the faults the places where its fields stood.
func (r request) placed(err error) error {
	var e *halsocoach.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	f := &Fault{Status: http.StatusUnprocessableEntity}
	for _, field := range e.Fields {
		code, where := r4.IssueTypeValue, r.where[field.Name]
		if where == "" {
			where = field.Name
		}
		if r.missing(field.Name) {
			code = r4.IssueTypeRequired
		}
		f.Issues = append(f.Issues, Issue{code, where, field.Text})
	}
	return f
}

// missing says whether the field was not there at all.
func (r request) missing(field string) bool {
	w := r.asked
	return field == "name" && w.Name == "" || field == "phone" && w.Phone == "" || field == "topics" && len(w.Topics) == 0
}

// Request is all that one ServiceRequest has become, the last track last.
func (s *Service) Request(ctx context.Context, who halsocoach.Actor, id string) ([]track, error) {
	if err := allow(who, "ServiceRequest", 'r'); err != nil {
		return nil, err
	}
	return s.tracks(ctx, who, fromFHIR.Replace(id))
}

func (s *Service) tracks(ctx context.Context, who halsocoach.Actor, sending string) ([]track, error) {
	views, err := s.cfg.Sender.Tracks(ctx, who, sending)
	if err != nil {
		return nil, err
	}
	return s.dated(ctx, views...)
}

// Task is one track.
func (s *Service) Task(ctx context.Context, who halsocoach.Actor, id string) (track, error) {
	if err := allow(who, "Task", 'r'); err != nil {
		return track{}, err
	}
	own, err := s.cfg.Sender.SentOne(ctx, who, fromFHIR.Replace(id))
	if err != nil {
		return track{}, err
	}
	return s.one(ctx, own)
}

// Tasks are those that are asked for, the first to change first.
func (s *Service) Tasks(ctx context.Context, who halsocoach.Actor, q search) (items []track, next string, err error) {
	if err := allow(who, "Task", 'r'); err != nil {
		return nil, "", err
	}
	var all []track
	if q.focus != "" {
		all, err = s.tracks(ctx, who, q.focus)
		if halsocoach.KindOf(err) == halsocoach.KindNotFound {
			err = nil // nothing is found
		}
	} else {
		all, next, err = s.followed(ctx, who, q)
	}
	if err != nil {
		if e := (*halsocoach.Error)(nil); errors.As(err, &e) && e.Code == "cursor" {
			err = badSearch("_cursor", "Sidan finns inte längre. Börja om från början.")
		}
		return nil, "", err
	}
	for _, t := range all {
		if q.keeps(t) {
			items = append(items, t)
		}
	}
	return items, next, nil
}

// Revise sets the status of a Task that was read at version: cancelled while
// nobody has decided, or entered-in-error. The same status again is nothing.
func (s *Service) Revise(ctx context.Context, who halsocoach.Actor, id string, at time.Time, status string) (track, error) {
	if err := allow(who, "Task", 'u'); err != nil {
		return track{}, err
	}
	act, ok := record.ActOf(status)
	if !ok {
		return track{}, fault(http.StatusUnprocessableEntity, r4.IssueTypeBusinessRule, "Task.status", "Den som har skickat kan sätta cancelled eller entered-in-error. Resten sätter Hälsocentret.")
	}
	own, err := s.cfg.Sender.Revise(ctx, who, fromFHIR.Replace(id), act, at)
	if errors.Is(err, record.ErrStale) {
		return track{}, fault(http.StatusPreconditionFailed, r4.IssueTypeConflict, "", record.ErrStale.Text)
	}
	if err != nil {
		return track{}, err
	}
	return s.now(ctx, own), nil
}
