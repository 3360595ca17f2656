package registers

import (
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

var (
	changed    = store.Index{Name: "changed", Fields: []store.Field{store.D("changed")}}
	centreKind = store.Kind{Name: "centre", NoPerson: true, Indexes: []store.Index{changed, {Name: "made", Fields: []store.Field{store.T("made")}, Unique: true}}}
	unitKind   = store.Kind{Name: "unit", NoPerson: true, Indexes: []store.Index{changed}}
)

// Kinds are the package's documents.
func Kinds() []store.Kind { return []store.Kind{centreKind, unitKind} }

// The topics of our nudges.
const (
	nudgeCentre = "registers.centre"
	nudgeUnit   = "registers.unit"
)

func mirrorCentres(docs store.Collection[centre]) *store.Mirror[centre] {
	return store.NewMirror(docs, nudgeCentre, func(c centre) (string, time.Time) { return c.Code, c.Changed })
}

func mirrorUnits(docs store.Collection[unit]) *store.Mirror[unit] {
	return store.NewMirror(docs, nudgeUnit, func(u unit) (string, time.Time) { return u.ID, u.Changed })
}

// happened is the event of every change.
func happened(now time.Time, kommun, id string) []halsocoach.Event {
	return []halsocoach.Event{halsocoach.Happened("registers.changed", now, kommun, id, nil)}
}
