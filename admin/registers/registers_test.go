package registers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

// house is the ground and a running service on a seeded store.
func house(t *testing.T) (*testenv.Env, *Service) {
	t.Helper()
	e := testenv.New(t, Kinds())
	s := node(t, e)
	testenv.Must(t, s.Seed(e.Ctx()))
	return e, s
}

func node(t *testing.T, e *testenv.Env) *Service {
	t.Helper()
	s := New(Config{Store: e.Store, Bus: e.Bus, Clock: e.Clock.Now, Log: e.Log})
	testenv.Must(t, s.Start(e.Ctx(), e.Bus))
	return s
}

func want(t *testing.T, err error, kind halsocoach.ErrorKind) {
	t.Helper()
	if halsocoach.KindOf(err) != kind {
		t.Fatalf("got %v, want %q", err, kind)
	}
}

func key(k string) halsocoach.Request { return halsocoach.Request{Key: k} }

func TestAnEmptyStoreGetsTheThirteenCentres(t *testing.T) {
	e, s := house(t)
	all, err := s.Centres(e.Ctx(), "")
	if err != nil || len(all) != 13 || all[0].Code != "0604" || all[3].Name != "Hälsocenter Sävsjö" || all[12].Code != "0683" {
		t.Fatalf("%+v, %v", all, err)
	}
	testenv.Must(t, testenv.ErrOf(s.ChangeCentre(e.Ctx(), e.People.Kommun, "0684", CentreInput{Name: "Hälsans hus", Address: "Odengatan 4, Sävsjö"})))
	second := New(s.cfg)
	testenv.Must(t, second.Seed(e.Ctx()))
	if c, err := second.Centre(e.Ctx(), "0684"); err != nil || c.Name != "Hälsans hus" {
		t.Fatalf("the seed wrote over the kommun's own words: %+v, %v", c, err)
	}
}

func TestAChangeReachesTheOtherNodes(t *testing.T) {
	e, s := house(t)
	second := node(t, e)
	u, made, err := s.AddUnit(e.Ctx(), e.People.Kommun, key("a"), UnitInput{Kommun: "0684", Kind: CareCentre, Name: "Sävsjö vårdcentral", Centre: "0684"})
	if err != nil || !made {
		t.Fatal(made, err)
	}
	e.Eventually("the second node knows the unit", func() bool { got, err := second.Unit(e.Ctx(), u.ID); return err == nil && got == u })
	testenv.Must(t, testenv.ErrOf(s.ChangeCentre(e.Ctx(), e.People.Kommun, "0684", CentreInput{Name: "Nytt namn"})))
	e.Eventually("the second node knows the name", func() bool { c, _ := second.Centre(e.Ctx(), "0684"); return c.Name == "Nytt namn" })
}

func TestTheSameRequestTwiceIsOnePlace(t *testing.T) {
	e, s := house(t)
	w := CentreInput{Kommun: "0684", Name: "Hälsocenter Vrigstad"}
	n := testenv.Count(6, 60)
	var wg sync.WaitGroup
	codes := make([]string, n)
	for i := range n {
		wg.Go(func() {
			c, _, err := s.AddCentre(e.Ctx(), e.People.Kommun, key("same"), w)
			if err != nil {
				t.Error(err)
			}
			codes[i] = c.Code
		})
	}
	wg.Wait()
	for _, c := range codes {
		if c != "0684-2" {
			t.Fatalf("codes %v", codes)
		}
	}
	_, _, err := s.AddCentre(e.Ctx(), e.People.Kommun, key("same"), CentreInput{Kommun: "0684", Name: "Ett annat"})
	if !errors.Is(err, halsocoach.ErrKeyReused) {
		t.Fatal(err)
	}
	third, made, err := s.AddCentre(e.Ctx(), e.People.Kommun, key("next"), w)
	if err != nil || !made || third.Code != "0684-3" {
		t.Fatalf("%+v %v %v", third, made, err)
	}
	u := UnitInput{Kommun: "0684", Kind: Association, Name: "Friluft", Centre: "0684"}
	first, _, err := s.AddUnit(e.Ctx(), e.People.Kommun, key("u"), u)
	testenv.Must(t, err)
	again, made, err := s.AddUnit(e.Ctx(), e.People.Kommun, key("u"), u)
	if err != nil || made || again != first {
		t.Fatalf("%+v %v %v", again, made, err)
	}
	u.Name = "Annan"
	if _, _, err = s.AddUnit(e.Ctx(), e.People.Kommun, key("u"), u); !errors.Is(err, halsocoach.ErrKeyReused) {
		t.Fatal(err)
	}
}

func TestCentresOfManyNodesGetNumbersWithoutAGap(t *testing.T) {
	e, s := house(t)
	second := New(s.cfg) // knows nothing of what the first does
	testenv.Must(t, second.Load(e.Ctx()))
	var wg sync.WaitGroup
	for i, n := range []*Service{s, second, s, second} {
		wg.Go(func() {
			if _, _, err := n.AddCentre(e.Ctx(), e.People.Region, key(string(rune('a'+i))), CentreInput{Kommun: "0680", Name: "Hälsocenter"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	third := node(t, e)
	all, _ := third.Centres(e.Ctx(), "0680")
	if len(all) != 5 || all[4].Code != "0680-5" {
		t.Fatalf("%+v", all)
	}
}

func TestAClosedPlaceIsKnownButNotOffered(t *testing.T) {
	e, s := house(t)
	_, err := s.CloseCentre(e.Ctx(), e.People.Kommun, "0684")
	want(t, err, halsocoach.KindConflict)
	two, _, err := s.AddCentre(e.Ctx(), e.People.Kommun, key("a"), CentreInput{Kommun: "0684", Name: "Hälsocenter Vrigstad"})
	testenv.Must(t, err)
	u, _, err := s.AddUnit(e.Ctx(), e.People.Kommun, key("u"), UnitInput{Kommun: "0684", Kind: CareCentre, Name: "Vårdcentralen", Centre: two.Code})
	testenv.Must(t, err)
	testenv.Must(t, testenv.ErrOf(s.CloseCentre(e.Ctx(), e.People.Kommun, two.Code)))
	testenv.Must(t, testenv.ErrOf(s.CloseUnit(e.Ctx(), e.People.Kommun, u.ID)))
	open, _ := s.Centres(e.Ctx(), "0684")
	units, _ := s.Units(e.Ctx(), "0684")
	if c, err := s.Centre(e.Ctx(), two.Code); err != nil || !c.Closed || len(open) != 1 || len(units) != 0 {
		t.Fatalf("%+v %v %+v %+v", c, err, open, units)
	}
	if got, err := s.Unit(e.Ctx(), u.ID); err != nil || got.Name != "Vårdcentralen" {
		t.Fatalf("%+v %v", got, err)
	}
	_, err = s.ChangeCentre(e.Ctx(), e.People.Kommun, two.Code, CentreInput{Name: "X"})
	want(t, err, halsocoach.KindConflict)
	if c, err := s.OpenCentre(e.Ctx(), e.People.Kommun, two.Code); err != nil || c.Closed {
		t.Fatalf("%+v %v", c, err)
	}
	testenv.Must(t, testenv.ErrOf(s.OpenUnit(e.Ctx(), e.People.Kommun, u.ID)))
}

func TestOnlyTheKommunsAdministratorAndTheRegionKeepTheRegister(t *testing.T) {
	e, s := house(t)
	p := e.People
	own, _, err := s.AddUnit(e.Ctx(), p.Region, key("u"), UnitInput{Kommun: "0684", Kind: CareCentre, Name: "Vårdcentralen", Centre: "0684"})
	testenv.Must(t, err)
	others, _, err := s.AddUnit(e.Ctx(), p.Region, key("v"), UnitInput{Kommun: "0680", Kind: CareCentre, Name: "Vårdcentralen", Centre: "0680"})
	testenv.Must(t, err)
	for _, c := range []struct {
		name string
		who  halsocoach.Actor
		want halsocoach.ErrorKind
	}{
		{"nobody", halsocoach.Actor{}, halsocoach.KindSignIn}, {"citizen", p.Anna, halsocoach.KindForbidden}, {"coach", p.Maria, halsocoach.KindForbidden},
		{"care centre", p.Vardcentral, halsocoach.KindForbidden}, {"operator", p.Drift, halsocoach.KindForbidden}, {"family", p.Family, halsocoach.KindForbidden},
		{"kommun", p.Kommun, ""}, {"region", p.Region, ""},
	} {
		_, err := s.ChangeCentre(e.Ctx(), c.who, "0684", CentreInput{Name: "Namn"})
		want(t, err, c.want)
		_, err = s.ChangeUnit(e.Ctx(), c.who, own.ID, UnitInput{Name: "Namn", Centre: "0684"})
		want(t, err, c.want)
		_, _, err = s.Places(e.Ctx(), c.who, "0684")
		want(t, err, c.want)
	}
	_, err = s.ChangeCentre(e.Ctx(), p.Kommun, "0680", CentreInput{Name: "Namn"})
	want(t, err, halsocoach.KindNotFound)
	_, err = s.CloseUnit(e.Ctx(), p.Kommun, others.ID)
	want(t, err, halsocoach.KindNotFound)
	_, _, err = s.AddCentre(e.Ctx(), p.Kommun, key("x"), CentreInput{Kommun: "0680", Name: "Namn"})
	want(t, err, halsocoach.KindNotFound)
	_, _, err = s.AddUnit(e.Ctx(), p.Kommun, key("y"), UnitInput{Kommun: "0684", Kind: CareCentre, Name: "Namn", Centre: "0680"})
	want(t, err, halsocoach.KindInvalid)
}

func TestWhatACentreMustSay(t *testing.T) {
	good := CentreInput{Kommun: "0684", Name: "Hälsocenter", Phone: "0382-15 20 00", Email: "halso@savsjo.se"}
	for _, c := range []struct {
		name   string
		change func(*CentreInput)
		field  string
	}{
		{"all well", func(*CentreInput) {}, ""},
		{"number with country", func(w *CentreInput) { w.Phone = "+46 382 152000" }, ""},
		{"no contact yet", func(w *CentreInput) { w.Phone, w.Email = "", "" }, ""},
		{"no name", func(w *CentreInput) { w.Name = " " }, "name"},
		{"long name", func(w *CentreInput) { w.Name = strings.Repeat("å", nameLimit+1) }, "name"},
		{"long address", func(w *CentreInput) { w.Address = strings.Repeat("a", addressLimit+1) }, "address"},
		{"letters for a number", func(w *CentreInput) { w.Phone = "ring oss" }, "phone"},
		{"no address", func(w *CentreInput) { w.Email = "halso" }, "email"},
		{"a name in the address", func(w *CentreInput) { w.Email = "A <a@b.se>" }, "email"},
		{"no kommun", func(w *CentreInput) { w.Kommun = "0180" }, "kommun"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := good
			c.change(&w)
			var e *halsocoach.Error
			err := w.tidy().check()
			if errors.As(err, &e) != (c.field != "") || (e != nil && e.Fields[0].Name != c.field) {
				t.Fatalf("%v, want %q", err, c.field)
			}
			if e != nil && english(e.Fields[0].Text) == e.Fields[0].Text {
				t.Errorf("no English for %q", e.Fields[0].Text)
			}
		})
	}
}

func english(text string) string {
	return web.T(web.InLanguage(context.Background(), web.English), text)
}

func TestEveryChangeIsAnEvent(t *testing.T) {
	e, s := house(t)
	testenv.Must(t, testenv.ErrOf(s.ChangeCentre(e.Ctx(), e.People.Kommun, "0684", CentreInput{Name: "Nytt"})))
	docs, err := e.Store.Get(e.Ctx(), centreKind.Name, "0684")
	if err != nil || len(docs) != 1 {
		t.Fatal(err)
	}
	before := docs[0].Version
	testenv.Must(t, testenv.ErrOf(s.ChangeCentre(e.Ctx(), e.People.Kommun, "0684", CentreInput{Name: "Nytt"})))
	if docs, _ = e.Store.Get(e.Ctx(), centreKind.Name, "0684"); docs[0].Version != before {
		t.Fatal("a change that changes nothing was written")
	}
	if c, _ := s.centres.Get("0684"); !c.Changed.After(testenv.Morning()) {
		t.Fatalf("the second change has the time of the first: %v", c.Changed)
	}
}

type waits map[string]halsocoach.Wait

func (w waits) KommunWaits(context.Context) (map[string]halsocoach.Wait, error) { return w, nil }

func TestTheKommunerArePublic(t *testing.T) {
	e, s := house(t)
	six, four := 6, 4
	s.cfg.Waits = waits{"0684": {Median: 3, P80: 6, N: 12, Window: 180, Waiting: &six, WaitingMedian: &four}}
	app := e.App(func(a *web.App) { s.API(a.API()) })
	res := app.As(halsocoach.Actor{}).JSON(http.MethodGet, "/api/v1/kommuner", nil)
	var out struct {
		Items []struct {
			Code, Name, Group string
			WaitDays          *struct{ Median, P80, N, Window int }

			Waiting, WaitingMedian *int
		}
	}
	if err := res.Into(&out); err != nil || res.Status != 200 || len(out.Items) != 13 {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	if i := out.Items[3]; i.Code != "0684" || i.Name != "Sävsjö" || i.Group != "Höglandet" || i.WaitDays == nil || i.WaitDays.P80 != 6 || i.WaitDays.Window != 180 || *i.Waiting != 6 || *i.WaitingMedian != 4 {
		t.Fatalf("%+v", i)
	}
	if out.Items[0].WaitDays != nil || !strings.Contains(res.Body, `"waitDays":null,"waiting":null,"waitingMedian":null`) {
		t.Fatalf("%s", res.Body)
	}
}

func TestThePagesKeepTheRegister(t *testing.T) {
	e, s := house(t)
	app := e.App(func(a *web.App) { s.Routes(a.Fiber()) })
	kommun := app.As(e.People.Kommun)
	kommun.Get("/register?kommun=0680").Is(200, "Hälsocenter Sävsjö").Lacks("Hälsocenter Jönköping")
	app.As(e.People.Region).Get("/register?kommun=0680").Is(200, "Hälsocenter Jönköping")
	form := url.Values{"name": {"Hälsocenter Vrigstad"}, "phone": {"ring"}, "address": {"Storgatan 1"}}
	kommun.Post("/register/centrum/ny", form).Is(422, `value="Storgatan 1"`, "Skriv telefonnumret")
	form.Set("phone", "0382-15 20 00")
	kommun.Post("/register/centrum/ny", form).Is(303)
	kommun.Get("/register/centrum/0684-2").Is(200, "0382-15 20 00")
	for _, path := range []string{"/register/centrum/ny", "/register/enhet/ny", "/register/centrum/0684/stang"} {
		kommun.Get(path).Is(200)
	}
	kommun.Get("/register/centrum/0684-2/stang").Holds("Avsluta Hälsocenter Vrigstad i registret?", "Inga fler samtal kan bokas där.")
	kommun.Post("/register/centrum/0684-2/stang", nil).Is(303)
	kommun.Post("/register/centrum/0684/stang", nil).Is(409)
	kommun.Post("/register/centrum/0684-2/oppna", nil).Is(303)
	kommun.Post("/register/enhet/ny", url.Values{"kind": {"förening"}, "name": {"Friluft"}, "centre": {"0684-2"}}).Is(303)
	units, _ := s.Units(e.Ctx(), "0684")
	at := "/register/enhet/" + units[0].ID
	kommun.Get(at).Is(200, "Friluft")
	kommun.Post(at, url.Values{"name": {""}, "centre": {"0684"}}).Is(422)
	kommun.Post(at, url.Values{"name": {"Friluftsfrämjandet"}, "centre": {"0684"}}).Is(303)
	kommun.Get(at + "/stang").Holds("Avsluta föreningen i registret").Lacks("Inga fler samtal")
	for _, path := range []string{at + "/stang", at + "/oppna", "/register/centrum/0684/oppna"} {
		if r := kommun.Get(path); r.Status != 200 && r.Status != 303 {
			t.Fatalf("%s: %d", path, r.Status)
		}
	}
	kommun.Post(at+"/stang", nil).Is(303)
	app.As(e.People.Maria).Get("/register").Is(403)
	app.As(halsocoach.Actor{}).Get("/register").Is(303)
	kommun.Get("/register/centrum/0680").Is(404)
}

func TestOneCentreStaysOpenWhoeverClosesAtOneTime(t *testing.T) {
	e, s := house(t)
	second, _, err := s.AddCentre(e.Ctx(), e.People.Kommun, key("k"), CentreInput{Kommun: "0684", Name: "Hälsocenter Vrigstad"})
	testenv.Must(t, err)
	other := node(t, e)
	faults := make([]error, 2)
	var group sync.WaitGroup
	for i, code := range []string{"0684", second.Code} {
		group.Go(func() { _, faults[i] = []*Service{s, other}[i].CloseCentre(e.Ctx(), e.People.Kommun, code) })
	}
	group.Wait()
	if (faults[0] == nil) == (faults[1] == nil) || !errors.Is(errors.Join(faults...), ErrLast) {
		t.Fatalf("%v", faults)
	}
}
