package inbox_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral"
	"halsocoach/referral/inbox"
)

const annasNumber = "196101182803"

// twoWait is Elsa, recommended with her number, and the same Elsa recommended by
// the association without one.
func twoWait(g ground) (numbered, nameless string) {
	numbered = g.sent(g.People.Vardcentral, "a", wish())
	g.Clock.Add(time.Hour)
	w := wish()
	w.Personnummer, w.Phone, w.Topics = "", "+46 70 174 06 05", []halsocoach.Topic{"återhämtning"}
	nameless = g.sent(g.People.Forening, "b", w)
	g.alike(nameless)
	return numbered, nameless
}

// alike waits until somebody is found who may be the person.
func (g ground) alike(id string) {
	g.T.Helper()
	g.Eventually("both can be found", func() bool {
		v, err := g.svc.Same(g.Ctx(), g.People.Maria, id)
		return err == nil && len(v.Matches) == 1
	})
}

func TestACoachJoinsAMatchByHandAndCanUndoIt(t *testing.T) {
	g := open(t)
	numbered, nameless := twoWait(g)
	if _, err := g.svc.Note(g.Ctx(), g.People.Maria, key("n"), nameless, inbox.Reach{How: "sms", Went: "not_reached", Note: "Prövade"}); err != nil {
		t.Fatal(err)
	}
	was := g.stored(nameless)
	maria, at := g.app.As(g.People.Maria), "/inkorg/"+nameless
	if r := maria.Get(at); !strings.Contains(r.Body, "En person här har samma namn") {
		t.Fatal(r.Body)
	}
	r := maria.Get(at + "/samma-person")
	for _, want := range []string{"Elsa Berg", "Samma namn, och samma telefon eller e-post.", "Har personnummer här.", `value="` + numbered + `"`} {
		if !strings.Contains(r.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(r.Body, testenv.ElsasNumber) || strings.Contains(r.Body, "174 06") || strings.Contains(r.Body, g.People.Elsa.ID) {
		t.Error("more is shown than what is needed")
	}
	for _, wrong := range []url.Values{{}, {"other": {numbered}}, {"sure": {"ja"}}} {
		if r := maria.Post(at+"/samma-person", wrong); r.Status != 422 {
			t.Fatal(wrong, r.Status)
		}
	}
	form := url.Values{"other": {numbered}, "sure": {"ja"}}
	if r := maria.Post(at+"/samma-person", form); r.Status != 303 || r.Header.Get("Location") != "/inkorg/"+numbered {
		t.Fatal(r.Status, r.Header.Get("Location"), r.Body)
	}
	one := g.stored(numbered)
	if len(one.Sendings) != 2 || one.Person != g.People.Elsa.ID || len(one.Attempts) != 1 || !slices.Equal(g.list(g.People.Maria, referral.Asked{}), []string{numbered}) {
		t.Fatalf("%+v", one)
	}
	v, err := g.svc.Open(g.Ctx(), g.People.Maria, numbered)
	if err != nil || v.Words[1].Name != "Elsa Berg" || v.Words[1].Phone != "+46 70 174 06 05" || v.Tries[0].Text != "Prövade" || !v.Joined || v.Alike != 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	for _, who := range []halsocoach.Actor{g.People.Vardcentral, g.People.Forening} {
		if sent, _, err := g.refs.Sent(g.Ctx(), who, "", ""); err != nil || len(sent) != 1 || sent[0].State != referral.Received && sent[0].State != referral.Taken {
			t.Fatalf("%s sees %+v, %v", who.Role, sent, err)
		}
	}
	if mine, err := g.refs.AboutMe(g.Ctx(), g.People.Elsa); err != nil || len(mine) != 1 {
		t.Fatalf("Elsa sees %+v, %v", mine, err)
	}
	r = maria.Get("/inkorg/" + numbered + "/samma-person")
	merge := r.Body[strings.Index(r.Body, `name="merge" value="`)+20:]
	merge = merge[:strings.Index(merge, `"`)]
	if r := g.app.As(g.People.Johan).Post("/inkorg/"+numbered+"/isar", url.Values{"merge": {merge}}); r.Status != 404 {
		t.Fatal("another centre's coach undoes it:", r.Status)
	}
	for range 2 {
		if r := maria.Post("/inkorg/"+numbered+"/isar", url.Values{"merge": {merge}}); r.Status != 303 {
			t.Fatal(r.Status, r.Body)
		}
	}
	if one, two := g.stored(numbered), g.stored(nameless); len(one.Sendings) != 1 || len(one.Attempts) != 0 || two.Person != was.Person || len(two.Sendings) != 1 || len(two.Attempts) != 1 {
		t.Fatalf("%+v and %+v", one, two)
	}
	if v, err := g.svc.Open(g.Ctx(), g.People.Maria, nameless); err != nil || v.Name != "Elsa Berg" || v.Tries[0].Text != "Prövade" {
		t.Fatalf("%+v, %v", v, err)
	}
	var acts []halsocoach.Act
	for _, row := range g.AccessLog.Rows() {
		if strings.HasSuffix(string(row.Act), "persons") || row.Act == "read matches" && len(acts) == 0 {
			acts = append(acts, row.Act)
		}
	}
	if !slices.Equal(acts, []halsocoach.Act{"read matches", "merge persons", "part persons"}) {
		t.Fatalf("%q", acts)
	}
}

// coordination is the published example of a samordningsnummer (SKVM 2010:3).
const coordination = "197010632391"

// TestTwoPersonnummerAreTwoPersons: what somebody writes of their name and their
// telephone never makes them another.
func TestTwoPersonnummerAreTwoPersons(t *testing.T) {
	g := open(t)
	one := g.sent(g.People.Vardcentral, "a", wish())
	w := wish()
	w.Personnummer = annasNumber
	other := g.sent(g.People.Vardcentral, "b", w)
	g.alike(one)
	g.alike(other)
	before := [2]string{g.stored(one).Person, g.stored(other).Person}
	for _, pair := range [][2]string{{one, other}, {other, one}} {
		if _, err := g.svc.Join(g.Ctx(), g.People.Maria, pair[0], pair[1]); !errors.Is(err, inbox.ErrNumbers) {
			t.Fatal(err)
		}
	}
	if after := [2]string{g.stored(one).Person, g.stored(other).Person}; after != before {
		t.Fatal(before, after)
	}
}

// TestWhatIsSaidAfterAMergeIsNotLostByUndoing: a recommendation that was called
// back stays called back, and one that came later stays where it came.
func TestWhatIsSaidAfterAMergeIsNotLostByUndoing(t *testing.T) {
	for name, since := range map[string]func(ground){
		"called back": func(g ground) {
			sent, _, err := g.refs.Sent(g.Ctx(), g.People.Forening, "", "")
			if err != nil || len(sent) != 1 {
				g.T.Fatal(sent, err)
			}
			if _, err := g.refs.ConsentBack(g.Ctx(), g.People.Forening, sent[0].ID); err != nil {
				g.T.Fatal(err)
			}
		},
		"nothing": func(ground) {},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t)
			numbered, nameless := twoWait(g)
			if _, err := g.svc.Join(g.Ctx(), g.People.Maria, nameless, numbered); err != nil {
				t.Fatal(err)
			}
			since(g)
			page := g.app.As(g.People.Maria).Get("/inkorg/" + numbered + "/samma-person").Body
			_, rest, _ := strings.Cut(page, `name="merge" value="`)
			merge, _, _ := strings.Cut(rest, `"`)
			err := g.svc.Part(g.Ctx(), g.People.Maria, numbered, merge)
			if name == "nothing" && err != nil || name != "nothing" && !errors.Is(err, inbox.ErrSince) {
				t.Fatal(err)
			}
			if ended := g.out.all(); name == "nothing" && !slices.Contains(ended, g.People.Elsa.ID) {
				t.Fatalf("who was signed in as the other still is: %q", ended)
			}
		})
	}
}

func TestBothNumbersLeadToTheOneWhoStays(t *testing.T) {
	g := open(t)
	old := g.sent(g.People.Vardcentral, "a", wish())
	w := wish()
	w.Personnummer = coordination // the same person, with another number
	later := g.sent(g.People.Vardcentral, "b", w)
	g.holders[g.stored(later).Person] = true // and a contact with that one
	stays := g.stored(later).Person
	g.alike(old)
	id, err := g.svc.Join(g.Ctx(), g.People.Maria, old, later)
	if err != nil || id != later {
		t.Fatal(id, err)
	}
	for _, n := range []string{testenv.ElsasNumber, coordination} {
		number, err := halsocoach.ParseNumber(n, g.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if person, err := g.Seal.Person(g.Ctx(), number); err != nil || person != stays {
			t.Fatalf("%s leads to %s, %v", n, person, err)
		}
	}
	if ended := g.out.all(); !slices.Equal(ended, []string{g.People.Elsa.ID}) {
		t.Fatalf("signed out: %q", ended)
	}
	again := g.sent(g.People.Forening, "c", wish())
	if r := g.stored(again); r.Person != stays || len(r.Sendings) != 3 {
		t.Fatalf("%+v", r)
	}
}

func TestAMergeIsRefusedWhenBothHoldSomething(t *testing.T) {
	g := open(t)
	a, b := twoWait(g)
	g.holders[g.stored(a).Person], g.holders[g.stored(b).Person] = true, true
	if _, err := g.svc.Join(g.Ctx(), g.People.Maria, b, a); !errors.Is(err, inbox.ErrBothHold) {
		t.Fatal(err)
	}
	if _, err := g.svc.Join(g.Ctx(), g.People.Johan, b, a); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Fatal(err)
	}
	if len(g.list(g.People.Maria, referral.Asked{})) != 2 {
		t.Fatal("something was joined")
	}
}

func TestAMergeIsNotUndoneOnceThePersonIsTakenInOrTheTimeIsOut(t *testing.T) {
	g := open(t)
	a, b := twoWait(g)
	gone := g.stored(b).Person
	if _, err := g.svc.Join(g.Ctx(), g.People.Maria, b, a); err != nil {
		t.Fatal(err)
	}
	v, err := g.svc.Same(g.Ctx(), g.People.Maria, a)
	if err != nil || len(v.Merges) != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	merge := v.Merges[0].ID
	if _, _, err := g.refs.Decide(g.Ctx(), g.People.Maria, key("d"), a, referral.Ruling{Decision: "accept"}); err != nil {
		t.Fatal(err)
	}
	if err := g.svc.Part(g.Ctx(), g.People.Maria, a, merge); !errors.Is(err, inbox.ErrTakenIn) {
		t.Fatal(err)
	}
	box, err := g.Seal.Seal(g.Ctx(), gone, "p", "x")
	if err != nil {
		t.Fatal(err)
	}
	g.Clock.Add(30*24*time.Hour + time.Second)
	if err := g.svc.Part(g.Ctx(), g.People.Maria, a, merge); !errors.Is(err, inbox.ErrTooLate) {
		t.Fatal(err)
	}
	if err := g.svc.Sweep(g.Ctx()); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Seal.Open(g.Ctx(), gone, "p", box); err == nil {
		t.Fatal("the key of the id that leads nowhere is kept")
	}
	if r := g.stored(a); len(r.Sendings) != 2 {
		t.Fatalf("%+v", r)
	}
}

func TestAPersonWithProtectedIdentityIsFoundByNobody(t *testing.T) {
	g := open(t)
	w := wish()
	w.Protected = true
	hidden := g.sent(g.People.Vardcentral, "a", w)
	w = wish()
	w.Personnummer = ""
	id := g.sent(g.People.Forening, "b", w)
	g.Eventually("the second is found", func() bool {
		found, err := g.Seal.SearchName(g.Ctx(), "inkorg/0684", "Elsa Berg")
		return err == nil && len(found) == 1
	})
	if v, err := g.svc.Same(g.Ctx(), g.People.Maria, id); err != nil || len(v.Matches) != 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	if _, err := g.svc.Join(g.Ctx(), g.People.Maria, id, hidden); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Fatal(err)
	}
}

func TestWhoIsDeclinedIsFoundNoMore(t *testing.T) {
	g := open(t)
	a, b := twoWait(g)
	if _, _, err := g.refs.Decide(g.Ctx(), g.People.Maria, key("d"), a, referral.Ruling{Decision: "decline", Reason: "full"}); err != nil {
		t.Fatal(err)
	}
	g.Eventually("the first is gone", func() bool {
		v, err := g.svc.Same(g.Ctx(), g.People.Maria, b)
		return err == nil && len(v.Matches) == 0
	})
}
