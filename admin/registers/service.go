package registers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// Waits tells how long people wait in each kommun, by its code, as everybody may
// see it: N = 0 means that there is too little to tell. It is asked on a public
// path, so it answers from memory.
type Waits interface {
	KommunWaits(ctx context.Context) (map[string]halsocoach.Wait, error)
}

// Config lists what the service needs. Waits may be nil.
type Config struct {
	Store store.Store
	Bus   store.Nudges
	Clock halsocoach.Clock
	Log   *slog.Logger
	Waits Waits
}

// Service is the registers of places.
type Service struct {
	cfg        Config
	centreDocs store.Collection[centre]
	unitDocs   store.Collection[unit]
	centres    *store.Mirror[centre]
	units      *store.Mirror[unit]
}

// New makes the service; its memory is empty until Seed or Start.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg, centreDocs: store.In[centre](cfg.Store, centreKind), unitDocs: store.In[unit](cfg.Store, unitKind)}
	s.centres, s.units = mirrorCentres(s.centreDocs), mirrorUnits(s.unitDocs)
	return s
}

// Load reads the registers once, for commands that do not Start.
func (s *Service) Load(ctx context.Context) error {
	if err := s.centres.Load(ctx); err != nil {
		return fmt.Errorf("registers: %w", err)
	}
	if err := s.units.Load(ctx); err != nil {
		return fmt.Errorf("registers: %w", err)
	}
	return nil
}

// Centre finds one by its code, open or closed. With Centres and Unit it
// satisfies halsocoach.Registers.
func (s *Service) Centre(_ context.Context, code string) (halsocoach.Centre, error) {
	c, ok := s.centres.Get(code)
	if !ok {
		return halsocoach.Centre{}, halsocoach.ErrNotFound
	}
	return c.shared(s.today), nil
}

// Centres are the open ones of a kommun, or of the whole county for "".
func (s *Service) Centres(_ context.Context, kommun string) ([]halsocoach.Centre, error) {
	return s.listCentres(func(c centre) bool { return c.Closed == "" && (kommun == "" || c.Kommun == kommun) }), nil
}

func (s *Service) listCentres(keep func(centre) bool) []halsocoach.Centre {
	out := make([]halsocoach.Centre, 0, s.centres.Len())
	for c := range s.centres.Values() {
		if keep(c) {
			out = append(out, c.shared(s.today))
		}
	}
	return inOrder(out)
}

// Unit finds one by its id, open or closed.
func (s *Service) Unit(_ context.Context, id string) (halsocoach.Unit, error) {
	u, ok := s.units.Get(id)
	if !ok {
		return halsocoach.Unit{}, halsocoach.ErrNotFound
	}
	return u.shared(), nil
}

// Units are a kommun's open care centres and associations, or the county's for "".
func (s *Service) Units(_ context.Context, kommun string) ([]halsocoach.Unit, error) {
	found := s.units.All(func(u unit) bool { return u.Closed == "" && (kommun == "" || u.Kommun == kommun) })
	out := make([]halsocoach.Unit, len(found))
	for i, u := range found {
		out[i] = u.shared()
	}
	return byName(out), nil
}

func (s *Service) today() halsocoach.Day { return halsocoach.DayOf(s.cfg.Clock()) }

// Place is a row of the administrator's page.
type Place struct {
	Centre halsocoach.Centre
	Unit   halsocoach.Unit
	Closed halsocoach.Day
}

// Places are all centres and units of a kommun, the closed ones last.
func (s *Service) Places(ctx context.Context, who halsocoach.Actor, kommun string) (centres, units []Place, err error) {
	if err := allow(who, kommun); err != nil {
		return nil, nil, err
	}
	for _, closed := range []bool{false, true} {
		for _, c := range s.listCentres(func(c centre) bool { return c.Kommun == kommun && (c.Closed != "") == closed }) {
			doc, _ := s.centres.Get(c.Code)
			centres = append(centres, Place{Centre: c, Closed: doc.Closed})
		}
		var found []halsocoach.Unit
		for _, u := range s.units.All(func(u unit) bool { return u.Kommun == kommun && (u.Closed != "") == closed }) {
			found = append(found, u.shared())
		}
		for _, u := range byName(found) {
			doc, _ := s.units.Get(u.ID)
			units = append(units, Place{Unit: u, Closed: doc.Closed})
		}
	}
	return centres, units, nil
}

// allow: an administrator keeps the kommun's own registers, the region
// everybody's. Another kommun's are not there.
func allow(who halsocoach.Actor, kommun string) error {
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion, halsocoach.RoleSystem); err != nil {
		return err
	}
	if who.Role == halsocoach.RoleKommun && who.Kommun != kommun {
		return halsocoach.ErrNotFound
	}
	return nil
}

// AddCentre opens a centre in a kommun; made is false when the same request had
// made it already.
func (s *Service) AddCentre(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, w CentreInput) (c halsocoach.Centre, made bool, err error) {
	w = w.tidy()
	if err := allow(who, w.Kommun); err != nil {
		return c, false, err
	}
	if err := w.check(); err != nil {
		return c, false, err
	}
	now := s.cfg.Clock()
	doc := centre{Kommun: w.Kommun, Name: w.Name, Address: w.Address, Phone: w.Phone, Email: w.Email, Made: req.ID(who, "centre"), Digest: req.Digest(w), Changed: store.Later(now, time.Time{})}
	for n := s.nextNumber(w.Kommun); ; n++ {
		doc.Code = codeOf(w.Kommun, n)
		err := s.centreDocs.Insert(ctx, doc.Code, doc, happened(now, w.Kommun, doc.Code)...)
		switch {
		case err == nil:
			s.centres.Put(s.cfg.Bus, doc)
			return doc.shared(s.today), true, nil
		case store.Duplicate(err, "made"):
			return s.sameCentre(ctx, doc)
		case !errors.Is(err, store.ErrConflict):
			return c, false, fmt.Errorf("add a centre: %w", err)
		}
	}
}

// nextNumber is the first that memory does not know; the insert has the last word.
func (s *Service) nextNumber(kommun string) int {
	n := 1
	for _, c := range s.centres.All(func(c centre) bool { return c.Kommun == kommun }) {
		n = max(n, number(c.Code)+1)
	}
	return n
}

// sameCentre is what the same key has made before.
func (s *Service) sameCentre(ctx context.Context, wanted centre) (halsocoach.Centre, bool, error) {
	found, _, err := s.centreDocs.Find(ctx, store.Query{Index: "made", Equal: []any{wanted.Made}, Limit: 1})
	if err != nil || len(found) == 0 {
		return halsocoach.Centre{}, false, fmt.Errorf("add a centre again: %w", errors.Join(err, halsocoach.ErrBusy))
	}
	if found[0].Digest != wanted.Digest {
		return halsocoach.Centre{}, false, halsocoach.ErrKeyReused
	}
	return found[0].shared(s.today), false, nil
}

// ChangeCentre writes what is to be known of a centre anew; the code and the
// kommun stay.
func (s *Service) ChangeCentre(ctx context.Context, who halsocoach.Actor, code string, w CentreInput) (halsocoach.Centre, error) {
	w.Kommun = halsocoach.KommunOfCentre(code)
	w = w.tidy()
	if err := allow(who, w.Kommun); err != nil {
		return halsocoach.Centre{}, err
	}
	if err := w.check(); err != nil {
		return halsocoach.Centre{}, err
	}
	return s.changeCentre(ctx, code, func(c *centre) error {
		if c.Closed != "" {
			return ErrClosed
		}
		c.Name, c.Address, c.Phone, c.Email = w.Name, w.Address, w.Phone, w.Email
		return nil
	})
}

// CloseCentre takes a centre out of every choice; what names it stays right. The
// last open one of a kommun stays open.
func (s *Service) CloseCentre(ctx context.Context, who halsocoach.Actor, code string) (closed halsocoach.Centre, err error) {
	kommun := halsocoach.KommunOfCentre(code)
	if err := allow(who, kommun); err != nil {
		return halsocoach.Centre{}, err
	}
	if _, ok := s.centres.Get(code); !ok {
		return halsocoach.Centre{}, halsocoach.ErrNotFound
	}
	leases := store.Leases{Store: s.cfg.Store, Clock: s.cfg.Clock, Log: s.cfg.Log}
	err = leases.Alone(ctx, "registers.close/"+kommun, func(ctx context.Context) error {
		if err := s.notLast(ctx, kommun, code); err != nil {
			return err
		}
		closed, err = s.changeCentre(ctx, code, func(c *centre) error {
			if c.Closed == "" {
				c.Closed = halsocoach.DayOf(s.cfg.Clock())
			}
			return nil
		})
		return err
	})
	return closed, err
}

// notLast is ErrLast unless another centre of the kommun is open, by the store: two
// nodes may be closing at one time.
func (s *Service) notLast(ctx context.Context, kommun, code string) error {
	var others []string
	for _, c := range s.centres.All(func(c centre) bool { return c.Kommun == kommun && c.Code != code }) {
		others = append(others, c.Code)
	}
	found, err := s.centreDocs.Many(ctx, others...)
	if err != nil {
		return fmt.Errorf("centres of %s: %w", kommun, err)
	}
	if !slices.ContainsFunc(found, func(c centre) bool { return c.Closed == "" }) {
		return ErrLast
	}
	return nil
}

// OpenCentre opens a closed one again.
func (s *Service) OpenCentre(ctx context.Context, who halsocoach.Actor, code string) (halsocoach.Centre, error) {
	if err := allow(who, halsocoach.KommunOfCentre(code)); err != nil {
		return halsocoach.Centre{}, err
	}
	return s.changeCentre(ctx, code, func(c *centre) error { c.Closed = ""; return nil })
}

func (s *Service) changeCentre(ctx context.Context, code string, do func(*centre) error) (halsocoach.Centre, error) {
	var moved bool
	c, err := s.centreDocs.Update(ctx, code, func(c *centre) ([]halsocoach.Event, error) {
		before := *c
		if err := do(c); err != nil {
			return nil, err
		}
		if moved = !reflect.DeepEqual(before, *c); !moved {
			return nil, nil
		}
		now := s.cfg.Clock()
		c.Changed = store.Later(now, before.Changed)
		return happened(now, c.Kommun, code), nil
	})
	if err != nil {
		return halsocoach.Centre{}, fmt.Errorf("change centre %s: %w", code, err)
	}
	if moved {
		s.centres.Put(s.cfg.Bus, c)
	}
	return c.shared(s.today), nil
}
