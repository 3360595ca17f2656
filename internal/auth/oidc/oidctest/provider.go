package oidctest

import (
	"crypto/rand"
	"crypto/rsa"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"halsocoach"
)

// Person is somebody who can sign in.
type Person struct {
	Name    string // on the button, and the claim name
	Subject string
	Claims  map[string]any
	// ACR is how strong the sign-in is; StrongACR when a stronger one is asked
	// for (prompt=login), "" when there is none.
	ACR, StrongACR string
	AMR            []string
}

// Wrong is what the provider does wrong, until it is told otherwise.
type Wrong struct {
	Down, HTML   bool // answers 503; answers a page of HTML
	HTMLToken    bool // only the token endpoint does
	Unsigned     bool // alg none
	ForeignKey   bool // signed by a key that is not published
	OtherKey     bool // signed by somebody else with the id of a published key
	UserinfoOnly bool // claims are in userinfo, not in the id token
	NoUserinfo   bool // userinfo answers 500
	Claims       func(map[string]any)
	Discovery    func(map[string]any)
}

// Provider runs until the test ends.
type Provider struct {
	URL    string
	Client string
	Secret string
	Now    func() time.Time // when it thinks it is; default the real time

	mu       sync.Mutex
	wrong    Wrong
	keys     []*key // the first signs
	people   []Person
	redirect []string
	requests map[string]*request
	codes    map[string]string
	tokens   map[string]string // access token id → subject
	asked    map[string]int    // by path
	left     []string          // subjects that have signed out here
	last     string            // id token
	handler  http.Handler
	server   *httptest.Server
}

// New starts a provider.
func New(t testing.TB, people ...Person) *Provider {
	t.Helper()
	p := &Provider{
		Client: "halsocoach", Secret: "hemligt", Now: time.Now, people: people,
		requests: map[string]*request{}, codes: map[string]string{}, tokens: map[string]string{}, asked: map[string]int{},
	}
	p.Rotate()
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.URL = "http://" + p.server.Listener.Addr().String()
	config := &op.Config{CodeMethodS256: true, AuthMethodPost: true}
	rand.Read(config.CryptoKey[:])
	provider, err := op.NewProvider(config, p, op.StaticIssuer(p.URL), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", p.login)
	mux.HandleFunc("POST /login", p.loggedIn)
	mux.Handle("/", provider)
	p.handler = mux
	p.server.Start()
	t.Cleanup(p.server.Close)
	return p
}

// Allow registers the addresses of a service with the ids it calls us by.
func (p *Provider) Allow(public string, ids ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		p.redirect = append(p.redirect, public+"/logga-in/svar/"+id)
	}
	p.redirect = append(p.redirect, public+"/utloggad")
}

// Do makes the provider do something wrong; Do(Wrong{}) ends it.
func (p *Provider) Do(w Wrong) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = w
}

// Rotate makes a new signing key. The old one is no longer published.
func (p *Provider) Rotate() {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = []*key{{halsocoach.NewID(), private}}
}

// Asked is how often a path has been asked for.
func (p *Provider) Asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// Left are the client ids that have come to sign out.
func (p *Provider) Left() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.left)
}

// LastToken is the id token that was given last.
func (p *Provider) LastToken() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	wrong := p.wrong
	p.asked[r.URL.Path]++
	p.mu.Unlock()
	switch {
	case wrong.Down, wrong.NoUserinfo && r.URL.Path == "/userinfo":
		http.Error(w, "down for service", http.StatusServiceUnavailable)
	case wrong.HTML, wrong.HTMLToken && r.URL.Path == "/oauth/token":
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><title>Login</title><p>Welcome</p>"))
	case r.URL.Path == "/oauth/token":
		p.bend(w, r, "id_token")
	case r.URL.Path == "/.well-known/openid-configuration" && wrong.Discovery != nil:
		p.bend(w, r, "")
	default:
		p.handler.ServeHTTP(w, r)
	}
}

var loginPage = template.Must(template.New("login").Parse(`<!DOCTYPE html><html lang="sv"><meta charset="utf-8"><title>Testlegitimation</title>
<main><h1>Testlegitimation</h1><form method="post" action="/login"><input type="hidden" name="id" value="{{.ID}}">
{{range .People}}<p><button name="person" value="{{.Subject}}">{{.Name}}</button></p>{{end}}
<p><button name="person" value="">Avbryt</button></p></form></main></html>`))

func (p *Provider) login(w http.ResponseWriter, r *http.Request) {
	_ = loginPage.Execute(w, struct {
		ID     string
		People []Person
	}{r.URL.Query().Get("id"), p.people})
}

func (p *Provider) loggedIn(w http.ResponseWriter, r *http.Request) {
	where, ok := p.choose(r.FormValue("id"), r.FormValue("person"))
	if !ok {
		http.Error(w, "no such sign-in", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, where, http.StatusSeeOther)
}

// choose ends the login as a person, or with "" as somebody who cancels, and says
// where the browser goes.
func (p *Provider) choose(id, subject string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q, ok := p.requests[id]
	if !ok {
		return "", false
	}
	if subject == "" {
		return q.RedirectURI + "?" + url.Values{"error": {"access_denied"}, "state": {q.State}}.Encode(), true
	}
	i := slices.IndexFunc(p.people, func(x Person) bool { return x.Subject == subject })
	if i < 0 {
		return "", false
	}
	q.person, q.done, q.at = p.people[i], true, time.Now()
	return "/authorize/callback?id=" + id, true
}

// SignIn walks the provider's part of a sign-in as a browser would: from the
// address that the service led to, to the address that the provider leads back
// to. An empty subject cancels.
func (p *Provider) SignIn(t testing.TB, start, subject string) (back string) {
	t.Helper()
	walk := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	step := func(res *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		where, err := res.Location()
		if err != nil {
			t.Fatalf("%s answers %d and leads nowhere", res.Request.URL, res.StatusCode)
		}
		return where.String()
	}
	next := step(walk.Get(start))
	if !strings.HasPrefix(next, p.URL) {
		return next // refused already
	}
	u, _ := url.Parse(next)
	back = step(walk.PostForm(p.URL+"/login", url.Values{"id": {u.Query().Get("id")}, "person": {subject}}))
	if strings.HasPrefix(back, p.URL) {
		back = step(walk.Get(back))
	}
	return back
}

// key signs and is published.
type key struct {
	id      string
	private *rsa.PrivateKey
}

func (k *key) ID() string                                  { return k.id }
func (k *key) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k *key) Key() any                                    { return k.private }

// published is its public half.
type published struct{ *key }

func (k published) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k published) Use() string                        { return "sig" }
func (k published) Key() any                           { return &k.private.PublicKey }

// client is the service as the provider has registered it.
type client struct{ p *Provider }

func (c client) GetID() string { return c.p.Client }
func (c client) RedirectURIs() []string {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	return slices.Clone(c.p.redirect)
}
func (c client) PostLogoutRedirectURIs() []string                           { return c.RedirectURIs() }
func (client) ApplicationType() op.ApplicationType                          { return op.ApplicationTypeWeb }
func (client) AuthMethod() oidc.AuthMethod                                  { return oidc.AuthMethodBasic }
func (client) ResponseTypes() []oidc.ResponseType                           { return []oidc.ResponseType{oidc.ResponseTypeCode} }
func (client) GrantTypes() []oidc.GrantType                                 { return []oidc.GrantType{oidc.GrantTypeCode} }
func (client) LoginURL(id string) string                                    { return "/login?id=" + id }
func (client) AccessTokenType() op.AccessTokenType                          { return op.AccessTokenTypeBearer }
func (client) IDTokenLifetime() time.Duration                               { return 5 * time.Minute }
func (client) DevMode() bool                                                { return true }
func (client) IsScopeAllowed(string) bool                                   { return true }
func (client) IDTokenUserinfoClaimsAssertion() bool                         { return true }
func (client) ClockSkew() time.Duration                                     { return 0 }
func all(scopes []string) []string                                          { return scopes }
func (client) RestrictAdditionalIdTokenScopes() func([]string) []string     { return all }
func (client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return all }

// request is one sign-in under way at the provider.
type request struct {
	*oidc.AuthRequest
	id     string
	person Person
	done   bool
	at     time.Time
}

func (q *request) GetID() string { return q.id }
func (q *request) GetACR() string {
	if slices.Contains(q.Prompt, oidc.PromptLogin) && q.person.StrongACR != "" {
		return q.person.StrongACR
	}
	return q.person.ACR
}
func (q *request) GetAMR() []string                   { return q.person.AMR }
func (q *request) GetAudience() []string              { return []string{q.ClientID} }
func (q *request) GetAuthTime() time.Time             { return q.at }
func (q *request) GetClientID() string                { return q.ClientID }
func (q *request) GetNonce() string                   { return q.Nonce }
func (q *request) GetRedirectURI() string             { return q.RedirectURI }
func (q *request) GetScopes() []string                { return q.Scopes }
func (q *request) GetState() string                   { return q.State }
func (q *request) GetSubject() string                 { return q.person.Subject }
func (q *request) Done() bool                         { return q.done }
func (q *request) GetResponseType() oidc.ResponseType { return q.ResponseType }
func (q *request) GetResponseMode() oidc.ResponseMode { return q.ResponseMode }
func (q *request) GetCodeChallenge() *oidc.CodeChallenge {
	if q.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: q.CodeChallenge, Method: q.CodeChallengeMethod}
}

// person is who has the subject; the lock is held.
func (p *Provider) person(subject string) Person {
	for _, x := range p.people {
		if x.Subject == subject {
			return x
		}
	}
	return Person{}
}
