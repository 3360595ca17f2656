package machine

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"halsocoach/internal/auth"
	"halsocoach/internal/staff"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

// administrators opens the pages as they are shown to people.
func (n *node) administrators() *testenv.App {
	return n.env.App(func(a *web.App) { n.svc.Routes(a.Fiber()) })
}

func TestAnAdministratorConnectsASystemChangesItsKeysAndEndsIt(t *testing.T) {
	n := newNode(t, testenv.New(t, auth.Kinds(), staff.Kinds(), Kinds()))
	admin := n.administrators().As(n.env.People.Kommun)
	if r := admin.Get(path); r.Status != 200 || !strings.Contains(r.Body, "Inget system är kopplat än") {
		t.Fatal(r.Status, r.Body)
	}
	if r := admin.Get(path + "/nytt"); r.Status != 200 || !strings.Contains(r.Body, `value="savsjo-vardcentral"`) {
		t.Fatal(r.Status, r.Body)
	}
	f := url.Values{"_key": {"k"}, "unit": {"savsjo-vardcentral"}, "name": {"Journalen"}, "jwks": {`{"keys":[]}`}, "scopes": Scopes}
	r := admin.Post(path+"/nytt", f)
	if r.Status != http.StatusUnprocessableEntity || !strings.Contains(r.Body, `value="Journalen"`) || !strings.Contains(html.UnescapeString(r.Body), `{"keys":[]}`) || strings.Count(r.Body, "checked") != len(Scopes) {
		t.Fatal("the answers are not kept: ", r.Status, r.Body)
	}
	f.Set("jwks", keys().jwks())
	one := admin.Post(path+"/nytt", f).Header.Get("Location")
	if again := admin.Post(path+"/nytt", f).Header.Get("Location"); !strings.HasPrefix(one, path+"/") || again != one {
		t.Fatalf("sent twice: %q and %q", one, again)
	}
	client := strings.TrimPrefix(one, path+"/")
	if r := admin.Get(one); r.Status != 200 || !strings.Contains(r.Body, client) || !strings.Contains(r.Body, public+"/oauth/token") || !strings.Contains(r.Body, "r (RS384)") {
		t.Fatal(r.Status, r.Body)
	}
	if r := admin.Get(path); !strings.Contains(r.Body, "Journalen") {
		t.Fatal(r.Body)
	}
	if r := admin.Post(one+"/nycklar", url.Values{"_key": {"w"}, "jwks": {"inga"}}); r.Status != http.StatusUnprocessableEntity || !strings.Contains(r.Body, "inga") {
		t.Fatal(r.Status, r.Body)
	}
	if r := admin.Post(one+"/nycklar", url.Values{"_key": {"n"}, "jwks": {keys().jwks()}}); r.Status != http.StatusSeeOther {
		t.Fatal(r.Status, r.Body)
	}
	for _, other := range []*testenv.Visitor{n.administrators().As(n.env.People.Maria), n.administrators().As(n.env.People.Vardcentral)} {
		if r := other.Get(one); r.Status != http.StatusForbidden {
			t.Fatal(r.Status)
		}
	}
	elsewhere := n.env.People.Kommun
	elsewhere.ID, elsewhere.Kommun = "annan", "0680"
	if r := n.administrators().As(elsewhere).Get(one); r.Status != http.StatusNotFound {
		t.Fatal("another kommun: ", r.Status)
	}
	if r := admin.Post(one+"/avsluta", url.Values{"_key": {"a"}}); r.Status != http.StatusSeeOther {
		t.Fatal(r.Status, r.Body)
	}
	if r := admin.Get(one); !strings.Contains(r.Body, "Bortkopplat") || strings.Contains(r.Body, "/avsluta") {
		t.Fatal(r.Body)
	}
}
