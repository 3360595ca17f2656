package web

import (
	"context"
	"io"

	"github.com/a-h/templ"
)

// benchItems is a list as the programme has it, made of the components.
func benchItems(n int) templ.Component {
	item := templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		inner := templ.Join(MetaFact("calendar", "måndag 23 november"), MetaFact("clock", "10.30–11.30"), MetaFact("place", "Sävsjö"))
		parts := templ.Join(withChildren(Meta(), inner), Meter(T(ctx, "%d av %d platser kvar", 3, 12), 9, 12))
		return withChildren(Item("/gruppaktiviteter/abc", "Promenadgrupp"), parts).Render(ctx, w)
	})
	all := make([]templ.Component, n)
	for i := range all {
		all[i] = item
	}
	return withChildren(List(), templ.Join(all...))
}

func withChildren(c, children templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return c.Render(templ.WithChildren(ctx, children), w)
	})
}
