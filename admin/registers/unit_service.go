package registers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// AddUnit puts a care centre or an association into a kommun's register; made
// is false when the same request had done it already.
func (s *Service) AddUnit(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, w UnitInput) (u halsocoach.Unit, made bool, err error) {
	w = w.tidy()
	if err := s.allowUnit(ctx, who, w); err != nil {
		return u, false, err
	}
	now, digest := s.cfg.Clock(), req.Digest(w)
	doc := unit{ID: req.ID(who, "unit"), Kind: w.Kind, Kommun: w.Kommun, Name: w.Name, Centre: w.Centre, Digest: digest, Changed: store.Later(now, time.Time{})}
	doc, made, err = s.unitDocs.InsertOnce(ctx, doc.ID, func(u unit) bool { return u.Digest == digest }, func() (unit, []halsocoach.Event, error) {
		return doc, happened(now, w.Kommun, doc.ID), nil
	})
	if err != nil {
		return u, false, fmt.Errorf("add a unit: %w", err)
	}
	if made {
		s.units.Put(s.cfg.Bus, doc)
	}
	return doc.shared(), made, nil
}

func (s *Service) allowUnit(ctx context.Context, who halsocoach.Actor, w UnitInput) error {
	if err := allow(who, w.Kommun); err != nil {
		return err
	}
	centres, err := s.Centres(ctx, w.Kommun)
	if err != nil {
		return err
	}
	return w.check(centres)
}

// ChangeUnit writes a unit's name and centre anew; its kind and kommun stay.
func (s *Service) ChangeUnit(ctx context.Context, who halsocoach.Actor, id string, w UnitInput) (halsocoach.Unit, error) {
	have, err := s.ownUnit(who, id)
	if err != nil {
		return halsocoach.Unit{}, err
	}
	w.Kommun, w.Kind = have.Kommun, have.Kind
	w = w.tidy()
	if err := s.allowUnit(ctx, who, w); err != nil {
		return halsocoach.Unit{}, err
	}
	return s.changeUnit(ctx, id, func(u *unit) error {
		if u.Closed != "" {
			return ErrClosed
		}
		u.Name, u.Centre = w.Name, w.Centre
		return nil
	})
}

// CloseUnit takes a unit out of every choice.
func (s *Service) CloseUnit(ctx context.Context, who halsocoach.Actor, id string) (halsocoach.Unit, error) {
	if _, err := s.ownUnit(who, id); err != nil {
		return halsocoach.Unit{}, err
	}
	return s.changeUnit(ctx, id, func(u *unit) error {
		if u.Closed == "" {
			u.Closed = halsocoach.DayOf(s.cfg.Clock())
		}
		return nil
	})
}

// OpenUnit opens a closed one again.
func (s *Service) OpenUnit(ctx context.Context, who halsocoach.Actor, id string) (halsocoach.Unit, error) {
	if _, err := s.ownUnit(who, id); err != nil {
		return halsocoach.Unit{}, err
	}
	return s.changeUnit(ctx, id, func(u *unit) error { u.Closed = ""; return nil })
}

// ownUnit is a unit that the actor keeps.
func (s *Service) ownUnit(who halsocoach.Actor, id string) (unit, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion, halsocoach.RoleSystem); err != nil {
		return unit{}, err
	}
	u, ok := s.units.Get(id)
	if !ok {
		return unit{}, halsocoach.ErrNotFound
	}
	return u, allow(who, u.Kommun)
}

func (s *Service) changeUnit(ctx context.Context, id string, do func(*unit) error) (halsocoach.Unit, error) {
	var moved bool
	u, err := s.unitDocs.Update(ctx, id, func(u *unit) ([]halsocoach.Event, error) {
		before := *u
		if err := do(u); err != nil {
			return nil, err
		}
		if moved = before != *u; !moved {
			return nil, nil
		}
		now := s.cfg.Clock()
		u.Changed = store.Later(now, before.Changed)
		return happened(now, u.Kommun, id), nil
	})
	if err != nil {
		return halsocoach.Unit{}, fmt.Errorf("change unit %s: %w", id, err)
	}
	if moved {
		s.units.Put(s.cfg.Bus, u)
	}
	return u.shared(), nil
}

// Seed writes the first centre of each of the thirteen kommuner where there is
// none, so that the service can be used from an empty store. What the kommun
// has written since stays.
func (s *Service) Seed(ctx context.Context) error {
	centres := make([]halsocoach.Centre, len(halsocoach.Kommuner))
	for i, k := range halsocoach.Kommuner {
		centres[i] = halsocoach.Centre{Code: k.Code, Kommun: k.Code, Name: "Hälsocenter " + k.Name}
	}
	return s.Enter(ctx, centres, nil)
}

// Enter writes those centres and units that are not there yet, with the codes
// and ids they have: for the seed and the demo. Nothing that is there changes.
func (s *Service) Enter(ctx context.Context, centres []halsocoach.Centre, units []halsocoach.Unit) error {
	if err := s.Load(ctx); err != nil {
		return err
	}
	now := s.cfg.Clock()
	for _, c := range centres {
		if _, ok := s.centres.Get(c.Code); ok {
			continue
		}
		doc := centre{Code: c.Code, Kommun: c.Kommun, Name: c.Name, Address: c.Address, Phone: c.Phone, Email: c.Email, Changed: store.Later(now, time.Time{})}
		err := s.centreDocs.Insert(ctx, doc.Code, doc, happened(now, doc.Kommun, doc.Code)...)
		if err == nil {
			s.centres.Put(s.cfg.Bus, doc)
		} else if !errors.Is(err, store.ErrConflict) { // another node was first
			return fmt.Errorf("enter centre %s: %w", c.Code, err)
		}
	}
	for _, u := range units {
		if _, ok := s.units.Get(u.ID); ok {
			continue
		}
		doc := unit{ID: u.ID, Kind: u.Kind, Kommun: u.Kommun, Name: u.Name, Centre: u.Centre, Changed: store.Later(now, time.Time{})}
		err := s.unitDocs.Insert(ctx, doc.ID, doc, happened(now, doc.Kommun, doc.ID)...)
		if err == nil {
			s.units.Put(s.cfg.Bus, doc)
		} else if !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("enter unit %s: %w", u.ID, err)
		}
	}
	return nil
}
