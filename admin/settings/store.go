package settings

import (
	"time"

	"halsocoach/internal/store"
)

// kind holds decisions and the staff who wrote them down, nothing about citizens.
var kind = store.Kind{Name: "settings", NoPerson: true, Indexes: []store.Index{
	{Name: "changed", Fields: []store.Field{store.D("changed")}},
}}

// Kinds are the package's documents.
func Kinds() []store.Kind { return []store.Kind{kind} }

const nudge = "settings"

func mirror(docs store.Collection[document]) *store.Mirror[document] {
	return store.NewMirror(docs, nudge, func(d document) (string, time.Time) { return d.ID, d.Changed })
}

// idOf is the document of a kommun, or of a centre when there is one: the first
// centre has its kommun's code, so the two are told apart.
func idOf(kommun, centre string) string {
	if centre != "" {
		return "centre/" + centre
	}
	return "kommun/" + kommun
}
