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
	admin.Get(path).Is(200, "Inget system är kopplat än")
	admin.Get(path+"/nytt").Is(200, `value="savsjo-vardcentral"`)
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
	admin.Get(one).Is(200, client, public+"/oauth/token", "r (RS384)")
	admin.Get(path).Holds("Journalen")
	admin.Post(one+"/nycklar", url.Values{"_key": {"w"}, "jwks": {"inga"}}).Is(http.StatusUnprocessableEntity, "inga")
	admin.Post(one+"/nycklar", url.Values{"_key": {"n"}, "jwks": {keys().jwks()}}).Is(http.StatusSeeOther)
	for _, other := range []*testenv.Visitor{n.administrators().As(n.env.People.Maria), n.administrators().As(n.env.People.Vardcentral)} {
		other.Get(one).Is(http.StatusForbidden)
	}
	elsewhere := n.env.People.Kommun
	elsewhere.ID, elsewhere.Kommun = "annan", "0680"
	n.administrators().As(elsewhere).Get(one).Is(http.StatusNotFound)
	admin.Post(one+"/avsluta", url.Values{"_key": {"a"}}).Is(http.StatusSeeOther)
	admin.Get(one).Holds("Bortkopplat").Lacks("/avsluta")
}
