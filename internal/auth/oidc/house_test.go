package oidc

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/auth"
	"halsocoach/internal/auth/oidc/oidctest"
	"halsocoach/internal/staff"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

const public = "http://example.test"

// people are those of the tests' provider.
func people() []oidctest.Person {
	return []oidctest.Person{
		{Name: "Elsa Berg", Subject: "elsa", ACR: "loa3", Claims: map[string]any{"personnummer": "20030202-2389", "skyddad": true, "kommun": "0684"}},
		{Name: "Namnlös", Subject: "namnlos", ACR: "loa3"},
		{Name: "Fel Nummer", Subject: "fel", ACR: "loa3", Claims: map[string]any{"personnummer": "19000000-0000"}},
		{Name: "Maria Holm", Subject: "maria-1", ACR: "pwd", StrongACR: "loa3", Claims: map[string]any{"hsaid": "SE2321000016-1111"}},
		{Name: "Johan Ek", Subject: "johan-1", ACR: "pwd", Claims: map[string]any{"hsaid": "SE2321000016-2222"}},
		{Name: "Eva Lund", Subject: "eva-1", ACR: "pwd", AMR: []string{"otp"}, Claims: map[string]any{"hsaid": "SE2321000016-3333"}},
	}
}

// providers are one for citizens and two for staff, all at the same address.
func providers(p *oidctest.Provider) []Provider {
	one := func(id, title, whom string, claims Claims) Provider {
		claims.Name, claims.ACR = "name", "acr"
		return Provider{ID: id, Title: title, Issuer: p.URL, ClientID: p.Client, ClientSecret: p.Secret, For: []string{whom},
			Scopes: []string{"openid", "profile"}, Claims: claims}
	}
	siths := one("siths", "SITHS", ForStaff, Claims{HSAID: "hsaid"})
	siths.ACR, siths.AMR, siths.SpeaksFor = []string{"loa3"}, []string{"otp"}, []string{"hsa"}
	return []Provider{
		one("bankid", "BankID eller Freja", ForCitizens, Claims{Personnummer: "personnummer", Protected: "skyddad", Kommun: "kommun"}),
		siths, one("kommun", "Sävsjö kommun", ForStaff, Claims{}),
	}
}

// ground is a provider, a store, and what is written to the log.
type ground struct {
	*testenv.Env
	provider *oidctest.Provider
	log      *lines
}

// lines is a log that tests read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// take is what has been written since it was last asked.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return l.buf.String()
}

func newGround(t *testing.T) *ground {
	t.Helper()
	g := &ground{Env: testenv.New(t, auth.Kinds(), staff.Kinds()), provider: oidctest.New(t, people()...), log: &lines{}}
	g.provider.Now = g.Clock.Now
	g.provider.Allow(public, "bankid", "siths", "kommun")
	return g
}

// node is one of several programs on the ground.
type node struct {
	t       *testing.T
	auth    *auth.Service
	members *staff.Service
	oidc    *Service
	app     *web.App
}

func (g *ground) node(t *testing.T, change ...func([]Provider)) *node {
	t.Helper()
	log := slog.New(slog.NewTextHandler(g.log, nil))
	members := staff.New(staff.Config{Store: g.Store, Seal: g.Seal, Bus: g.Bus, Clock: g.Clock.Now, Log: log, PublicURL: public, Proven: true})
	a, err := auth.New(auth.Config{Store: g.Store, Seal: g.Seal, Bus: g.Bus, Clock: g.Clock.Now, Log: log, PublicURL: public, Staff: members, Persons: g.Persons})
	testenv.Must(t, err)
	testenv.Must(t, errors.Join(members.Start(g.Ctx(), g.Bus), a.Start(g.Ctx(), g.Bus)))
	all := providers(g.provider)
	for _, c := range change {
		c(all)
	}
	n := &node{t: t, auth: a, members: members}
	n.oidc = New(Config{Providers: all, Auth: a, Seal: g.Seal, Clock: g.Clock.Now, Log: log, PublicURL: public})
	n.app = web.New(web.Config{PublicURL: public, Log: log, Clock: g.Clock.Now, Actor: a.Actor, Drafts: a, Session: a.Left, FormTargets: FormTargets(all)})
	a.Routes(n.app.Fiber())
	members.Routes(n.app.Fiber())
	n.oidc.Routes(n.app.Fiber())
	n.app.Fiber().Get("/vem", func(c *fiber.Ctx) error {
		who := web.Who(c)
		protected := who.SignedIn()
		if protected {
			var err error
			if protected, err = g.Persons.Protected(web.Ctx(c), who.ID); err != nil {
				return err
			}
		}
		return c.SendString(strings.Join([]string{string(who.Role), who.ID, who.Name, who.Kommun, map[bool]string{true: "skyddad"}[protected]}, "|"))
	})
	return n
}

func (n *node) hire(members ...staff.Member) {
	n.t.Helper()
	for _, m := range members {
		testenv.Must(n.t, testenv.ErrOf(n.members.Hire(n.t.Context(), halsocoach.System("test"), m)))
	}
}

// maria, johan and eva are members, maria with her card.
func (n *node) staff(g *ground) {
	n.t.Helper()
	p := g.People
	n.hire(
		staff.Member{ID: "maria", Name: p.Maria.Name, Role: p.Maria.Role, Kommun: "0684", Centre: "0684", Identities: []string{"hsa:SE2321000016-1111"}},
		staff.Member{ID: "johan", Name: p.Johan.Name, Role: p.Johan.Role, Kommun: "0684", Centre: "0684"},
		staff.Member{ID: "eva", Name: p.Kommun.Name, Role: p.Kommun.Role, Kommun: "0684", Identities: []string{"hsa:SE2321000016-3333"}},
	)
}

// browser keeps cookies as browsers do.
type browser struct {
	*node
	cookies map[string]string
}

type page struct {
	status      int
	body, where string
	header      http.Header
	t           *testing.T
	asked       string // method and address
}

// is fails unless the answer has this status and holds these texts.
func (a page) is(status int, holds ...string) page {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s is %d, want %d: %s", a.asked, a.status, status, a.body)
	}
	for _, text := range holds {
		if !strings.Contains(a.body, text) {
			a.t.Fatalf("%s lacks %q: %s", a.asked, text, a.body)
		}
	}
	return a
}

// to fails unless the answer leads to this address.
func (a page) to(address string) {
	a.t.Helper()
	if got := a.header.Get("Location"); got != address {
		a.t.Fatalf("%s leads to %q, want %q", a.asked, got, address)
	}
}

func (n *node) browser() *browser { return &browser{n, map[string]string{}} }

func (b *browser) send(method, path string, form url.Values) page {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	r.Host = "example.test"
	res, err := b.app.Fiber().Test(r, -1)
	testenv.Must(b.t, err)
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return page{res.StatusCode, string(body), res.Header.Get("Location"), res.Header, b.t, method + " " + path}
}

func (b *browser) get(path string) page {
	b.t.Helper()
	return b.send(http.MethodGet, strings.TrimPrefix(path, public), nil)
}

func (b *browser) post(path string, form url.Values) page {
	b.t.Helper()
	return b.send(http.MethodPost, path, form)
}

// through begins at a door and walks through the provider; it gives the page
// that the provider leads back to.
func (b *browser) through(g *ground, door, subject string) page {
	b.t.Helper()
	return b.get(b.until(g, door, subject))
}

// until is the address that the provider leads back to.
func (b *browser) until(g *ground, door, subject string) string {
	b.t.Helper()
	start := b.get(door)
	if start.status != http.StatusSeeOther {
		b.t.Fatalf("%s answers %d: %s", door, start.status, start.body)
	}
	return g.provider.SignIn(b.t, start.where, subject)
}

const (
	citizen = "/logga-in/med/bankid"
	siths   = "/logga-in/med/siths?som=personal"
	kommun  = "/logga-in/med/kommun?som=personal"
)
