package seal

import (
	"slices"
	"testing"

	"halsocoach"
)

func TestANumberIsKnownToLastOrNot(t *testing.T) {
	g := newHouse(t).node(t)
	ctx := t.Context()
	person, err := g.NewPerson(ctx)
	ok(t, err)
	for _, c := range []struct {
		number       string
		has, lasting bool
	}{{"", false, false}, {"197010632391", true, false}, {"196101182803", true, true}} {
		if c.number != "" {
			n, err := halsocoach.ParseNumber(c.number, begin)
			ok(t, err)
			ok(t, g.Link(ctx, person, n))
		}
		if has, lasting, err := g.Numbered(ctx, person); err != nil || has != c.has || lasting != c.lasting {
			t.Fatalf("with %q: %v %v, %v", c.number, has, lasting, err)
		}
	}
}

func TestAPersonIsFoundByPhoneAndEmailHoweverTheyAreWritten(t *testing.T) {
	g := newHouse(t).node(t)
	ctx := t.Context()
	anna, err := g.NewPerson(ctx)
	ok(t, err)
	ok(t, g.IndexContact(ctx, "0684", anna, "070-174 06 05", "Anna@Exempel.se"))
	for query, want := range map[string]bool{"0701740605": true, "+46 70 174 06 05": true, "0046(0)701740605": true, "anna@exempel.SE ": true, "070-174 06 06": false, "anna@exempel": false, "": false, "0": false} {
		got, err := g.SearchContact(ctx, "0684", query)
		if err != nil || slices.Contains(got, anna) != want {
			t.Errorf("%q finds %v, %v", query, got, err)
		}
	}
	if got, _ := g.SearchContact(ctx, "0680", "0701740605"); len(got) != 0 {
		t.Error("found in another scope")
	}
	if got, _ := g.SearchName(ctx, "0684", "0701740605"); len(got) != 0 {
		t.Error("a phone number is found as a name")
	}
	ok(t, g.IndexContact(ctx, "0684", anna))
	if got, _ := g.SearchContact(ctx, "0684", "0701740605"); len(got) != 0 {
		t.Error("found after it was taken away")
	}
}
