package seal

import (
	"errors"
	"slices"
	"testing"

	"halsocoach"
)

func TestTheNumbersOfTwoPersonsLeadToOneUntilItIsUndone(t *testing.T) {
	g := newHouse(t).node(t)
	ctx := t.Context()
	number := func(text string) halsocoach.Number {
		n, err := halsocoach.ParseNumber(text, begin)
		ok(t, err)
		return n
	}
	first, second := number("196101182803"), number("200302022389")
	a, err := g.Person(ctx, first)
	ok(t, err)
	b, err := g.Person(ctx, second)
	ok(t, err)
	box, err := g.Seal(ctx, a, "p", "Anna")
	ok(t, err)
	leads := func(n halsocoach.Number, want string) {
		t.Helper()
		if got, err := g.Person(ctx, n); err != nil || got != want {
			t.Fatalf("leads to %s, %v, want %s", got, err, want)
		}
	}
	for range 2 {
		ok(t, g.Merge(ctx, a, b))
		leads(first, b)
		leads(second, b)
	}
	if got, err := g.Open(ctx, a, "p", box); err != nil || got != "Anna" {
		t.Fatal("what was sealed before is not read:", err)
	}
	if has, lasting, err := g.Numbered(ctx, a); err != nil || has || lasting {
		t.Fatal("a number leads to who was merged", err)
	}
	if has, lasting, err := g.Numbered(ctx, b); err != nil || !has || !lasting {
		t.Fatal("no number leads to who stays", err)
	}
	for range 2 {
		ok(t, g.Unmerge(ctx, a, b))
		leads(first, a)
		leads(second, b)
	}
	ok(t, g.Merge(ctx, a, b))
	ok(t, g.Destroy(ctx, b))
	if _, err := g.Open(ctx, a, "p", box); !errors.Is(err, ErrGone) {
		t.Fatal("the other half of an erased person is readable:", err)
	}
	c, err := g.NewPerson(ctx)
	ok(t, err)
	d, err := g.NewPerson(ctx)
	ok(t, err)
	ok(t, g.Merge(ctx, c, d))
	ok(t, g.Link(ctx, d, number("197010632391")))
	if has, lasting, err := g.Numbered(ctx, d); err != nil || !has || lasting {
		t.Fatal("a samordningsnummer lasts", err)
	}
	if g.Merge(ctx, d, c) == nil {
		t.Fatal("merged with each other")
	}
	if g.Merge(ctx, b, b) == nil {
		t.Fatal("merged with themselves")
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
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
