package machine

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/golang-jwt/jwt/v5"

	"halsocoach"
	"halsocoach/internal/auth"
	"halsocoach/internal/staff"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

const public = "http://example.test"

// wallet holds a client's private keys, made once for all tests.
type wallet struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
	ed  ed25519.PrivateKey
}

var keys = sync.OnceValue(func() (w wallet) {
	w.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	w.ec, _ = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, w.ed, _ = ed25519.GenerateKey(rand.Reader)
	return w
})

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (w wallet) jwks() string {
	x, y := make([]byte, 48), make([]byte, 48)
	w.ec.X.FillBytes(x)
	w.ec.Y.FillBytes(y)
	body, _ := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "r", "use": "sig", "n": b64(w.rsa.N.Bytes()), "e": b64(big.NewInt(int64(w.rsa.E)).Bytes())},
		{"kty": "EC", "kid": "e", "crv": "P-384", "x": b64(x), "y": b64(y)},
		{"kty": "OKP", "kid": "d", "crv": "Ed25519", "x": b64(w.ed.Public().(ed25519.PublicKey))},
	}})
	return string(body)
}

// places add the lists of units to the tests' registers.
type places struct{ testenv.Registers }

func (p places) Units(ctx context.Context, kommun string) ([]halsocoach.Unit, error) {
	u, err := p.Unit(ctx, "savsjo-vardcentral")
	if kommun != "0684" {
		return nil, nil
	}
	return []halsocoach.Unit{u}, err
}

// node is one of several programs on the ground.
type node struct {
	t   *testing.T
	env *testenv.Env
	svc *Service
	app *web.App
	log *bytes.Buffer
}

func newNode(t *testing.T, env *testenv.Env) *node {
	t.Helper()
	n := &node{t: t, env: env, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(n.log, nil))
	members := staff.New(staff.Config{Store: env.Store, Clock: env.Clock.Now, Log: log})
	a, err := auth.New(auth.Config{Staff: members, Store: env.Store, Seal: env.Seal, Bus: env.Bus, Clock: env.Clock.Now, Log: log, PublicURL: public})
	testenv.Must(t, err)
	n.svc = New(Config{Store: env.Store, Auth: a, Bus: env.Bus, Registers: places{env.Registers}, Clock: env.Clock.Now, Log: log, PublicURL: public})
	testenv.Must(t, errors.Join(members.Start(env.Ctx(), env.Bus), a.Start(env.Ctx(), env.Bus), n.svc.Start(env.Ctx(), env.Bus)))
	n.app = web.New(web.Config{PublicURL: public, Clock: env.Clock.Now, Actor: a.Actor, Faults: map[string]web.SayFault{"/oauth": Say}})
	n.svc.Routes(n.app.Fiber())
	for _, path := range []string{"/fhir/who", "/api/v1/referrals", "/api/v1/goals"} {
		n.app.Fiber().Get(path, func(c *fiber.Ctx) error {
			if !web.Who(c).SignedIn() {
				return halsocoach.ErrSignIn
			}
			who := web.Who(c)
			return c.SendString(strings.Join([]string{who.ID, string(who.Role), who.Unit, who.Kommun, who.Scope}, "|"))
		})
	}
	return n
}

// client is registered for Sävsjö vårdcentral.
func (n *node) client() Client {
	n.t.Helper()
	c, err := n.svc.Register(n.env.Ctx(), n.env.People.Kommun, halsocoach.Request{Key: "k"}, NewClient{Unit: "savsjo-vardcentral", Name: "Journalen", JWKS: keys().jwks(), Scopes: Scopes})
	testenv.Must(n.t, err)
	return c
}

// claims of an assertion that is good now.
func (n *node) claims(client, jti string) jwt.MapClaims {
	now := n.env.Clock.Now()
	return jwt.MapClaims{"iss": client, "sub": client, "aud": public + "/oauth/token", "jti": jti, "exp": now.Add(4 * time.Minute).Unix(), "iat": now.Unix()}
}

func sign(t *testing.T, method jwt.SigningMethod, kid string, key any, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	token.Header["kid"] = kid
	signed, err := token.SignedString(key)
	testenv.Must(t, err)
	return signed
}

func form(assertion, scope string) url.Values {
	f := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {bearerAssertion}, "client_assertion": {assertion}}
	if scope != "" {
		f.Set("scope", scope)
	}
	return f
}

type answer struct {
	status int
	Token
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func (n *node) post(body, kind string) answer {
	n.t.Helper()
	r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	res, err := n.app.Fiber().Test(r, -1)
	testenv.Must(n.t, err)
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	a := answer{status: res.StatusCode}
	if err := json.Unmarshal(b, &a); err != nil || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Cache-Control") != "no-store" {
		n.t.Fatalf("%d %v %s", res.StatusCode, res.Header, b)
	}
	return a
}

func (n *node) ask(assertion, scope string) answer {
	n.t.Helper()
	return n.post(form(assertion, scope).Encode(), "application/x-www-form-urlencoded")
}

func (n *node) get(path, token string) (int, string) {
	n.t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := n.app.Fiber().Test(r, -1)
	testenv.Must(n.t, err)
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

func TestAClientGetsATokenWithEachAlgorithm(t *testing.T) {
	n := newNode(t, testenv.New(t, auth.Kinds(), staff.Kinds(), Kinds()))
	c := n.client()
	for _, k := range []struct {
		kid    string
		method jwt.SigningMethod
		key    crypto.Signer
	}{{"r", jwt.SigningMethodRS384, keys().rsa}, {"e", jwt.SigningMethodES384, keys().ec}, {"d", jwt.SigningMethodEdDSA, keys().ed}} {
		a := n.ask(sign(t, k.method, k.kid, k.key, n.claims(c.ID, "j"+k.kid)), "")
		if a.status != 200 || a.Type != "bearer" || a.Lasts != 300 || a.Scope != "system/ServiceRequest.cru system/Task.ru" {
			t.Fatalf("%s: %+v", k.method.Alg(), a)
		}
		if status, body := n.get("/fhir/who", a.Token.Token); status != 200 || body != "machine:savsjo-vardcentral|carecentre|savsjo-vardcentral|0684|"+a.Scope {
			t.Fatalf("%d %s", status, body)
		}
	}
}

func TestABadAssertionGivesNoToken(t *testing.T) {
	n := newNode(t, testenv.New(t, auth.Kinds(), staff.Kinds(), Kinds()))
	c := n.client()
	now := n.env.Clock.Now()
	other, _ := rsa.GenerateKey(rand.Reader, 2048)
	good := func(change func(jwt.MapClaims)) string {
		claims := n.claims(c.ID, halsocoach.NewID())
		if change != nil {
			change(claims)
		}
		return sign(t, jwt.SigningMethodRS384, "r", keys().rsa, claims)
	}
	set := func(name string, value any) string {
		return good(func(m jwt.MapClaims) {
			if value == nil {
				delete(m, name)
			} else {
				m[name] = value
			}
		})
	}
	part := strings.Split(good(nil), ".")
	modulus := x509like(keys().rsa)
	for name, assertion := range map[string]string{
		"expired":                        set("exp", now.Add(-time.Second).Unix()),
		"six minutes":                    set("exp", now.Add(6*time.Minute).Unix()),
		"no exp":                         set("exp", nil),
		"not valid yet":                  set("nbf", now.Add(time.Minute).Unix()),
		"issued in the future":           set("iat", now.Add(time.Minute).Unix()),
		"another audience":               set("aud", "https://other.example/token"),
		"the server as audience":         set("aud", public),
		"no audience":                    set("aud", nil),
		"no jti":                         set("jti", nil),
		"jti too long":                   set("jti", strings.Repeat("j", 300)),
		"unknown client":                 good(func(m jwt.MapClaims) { m["iss"], m["sub"] = "nobody", "nobody" }),
		"sub is another":                 set("sub", "nobody"),
		"no iss":                         set("iss", nil),
		"signed by another":              sign(t, jwt.SigningMethodRS384, "r", other, n.claims(c.ID, "a")),
		"unknown kid":                    sign(t, jwt.SigningMethodRS384, "x", keys().rsa, n.claims(c.ID, "b")),
		"no kid":                         sign(t, jwt.SigningMethodRS384, "", keys().rsa, n.claims(c.ID, "c")),
		"alg none":                       sign(t, jwt.SigningMethodNone, "r", jwt.UnsafeAllowNoneSignatureType, n.claims(c.ID, "d")),
		"none, signature left":           b64([]byte(`{"alg":"none","kid":"r"}`)) + "." + part[1] + "." + part[2],
		"HS384 with the public key":      sign(t, jwt.SigningMethodHS384, "r", modulus, n.claims(c.ID, "e")),
		"RS256":                          sign(t, jwt.SigningMethodRS256, "r", keys().rsa, n.claims(c.ID, "f")),
		"the EC key's id on an RSA sign": sign(t, jwt.SigningMethodRS384, "e", keys().rsa, n.claims(c.ID, "g")),
		"claims changed":                 part[0] + "." + b64([]byte(`{"iss":"x"}`)) + "." + part[2],
		"no signature":                   part[0] + "." + part[1] + ".",
		"not a JWT":                      "x.y.z",
	} {
		a := n.ask(assertion, "")
		if a.status != 401 || a.Error != "invalid_client" || a.Description == "" || a.Token.Token != "" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	once := good(nil)
	if a := n.ask(once, ""); a.status != 200 {
		t.Fatalf("%+v", a)
	}
	if strings.Contains(n.log.String(), part[1]) || strings.Contains(n.log.String(), once) {
		t.Error("an assertion stands in the log")
	}
}

// x509like are bytes that an attacker knows of the key.
func x509like(k *rsa.PrivateKey) []byte { return k.N.Bytes() }

func TestABadFormGivesNoToken(t *testing.T) {
	n := newNode(t, testenv.New(t, auth.Kinds(), staff.Kinds(), Kinds()))
	c := n.client()
	fresh := func() string {
		return sign(t, jwt.SigningMethodEdDSA, "d", keys().ed, n.claims(c.ID, halsocoach.NewID()))
	}
	with := func(name, value string) string {
		f := form(fresh(), "")
		if f.Set(name, value); value == "" {
			f.Del(name)
		}
		return f.Encode()
	}
	for name, x := range map[string]struct{ body, kind, code string }{
		"JSON":             {`{"grant_type":"client_credentials"}`, "application/json", "invalid_request"},
		"no grant":         {with("grant_type", ""), "", "invalid_request"},
		"another grant":    {with("grant_type", "password"), "", "unsupported_grant_type"},
		"another type":     {with("client_assertion_type", "secret"), "", "invalid_request"},
		"no assertion":     {with("client_assertion", ""), "", "invalid_request"},
		"huge assertion":   {with("client_assertion", strings.Repeat("a", 9000)), "", "invalid_request"},
		"twice":            {form(fresh(), "").Encode() + "&scope=a&scope=b", "", "invalid_request"},
		"bad form":         {"%zz", "", "invalid_request"},
		"deleting":         {with("scope", "system/ServiceRequest.cruds"), "", "invalid_scope"},
		"another resource": {with("scope", "system/Patient.r"), "", "invalid_scope"},
		"wrong order":      {with("scope", "system/Task.ur"), "", "invalid_scope"},
		"everything":       {with("scope", "system/*.*"), "", "invalid_scope"},
		"a person's":       {with("scope", "user/Task.r"), "", "invalid_scope"},
	} {
		if x.kind == "" {
			x.kind = "application/x-www-form-urlencoded"
		}
		if a := n.post(x.body, x.kind); a.status != 400 || a.Error != x.code {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if status, body := n.get("/oauth/token", ""); status != 405 || !strings.Contains(body, "invalid_request") {
		t.Errorf("GET: %d %s", status, body)
	}
}

func TestAnAssertionServesOnceOnAllNodes(t *testing.T) {
	env := testenv.New(t, auth.Kinds(), staff.Kinds(), Kinds())
	a, b := newNode(t, env), newNode(t, env)
	c := a.client()
	env.Eventually("the other node knows the client", func() bool { _, ok := b.svc.clients.Get(c.ID); return ok })
	once := sign(t, jwt.SigningMethodEdDSA, "d", keys().ed, a.claims(c.ID, "once"))
	var group sync.WaitGroup
	given := make(chan int, 20)
	for i := range 20 {
		group.Go(func() { given <- []*node{a, b}[i%2].ask(once, "").status })
	}
	group.Wait()
	close(given)
	count := map[int]int{}
	for status := range given {
		count[status]++
	}
	if count[200] != 1 || count[401] != 19 {
		t.Fatalf("%v", count)
	}
}

func TestAScopeOpensNoMoreThanItSays(t *testing.T) {
	n := newNode(t, testenv.New(t, auth.Kinds(), staff.Kinds(), Kinds()))
	c := n.client()
	for scope, want := range map[string][3]int{
		"system/ServiceRequest.cr system/Task.r": {200, 200, 403},
		"system/Task.r":                          {200, 403, 403},
		"":                                       {200, 200, 403},
	} {
		token := n.ask(sign(t, jwt.SigningMethodEdDSA, "d", keys().ed, n.claims(c.ID, "s"+scope)), scope).Token.Token
		for i, path := range []string{"/fhir/who", "/api/v1/referrals", "/api/v1/goals"} {
			if status, _ := n.get(path, token); status != want[i] {
				t.Errorf("%q on %s: %d", scope, path, status)
			}
		}
	}
}

func TestAnEndedClientIsRefusedAtOnceAndATokenDiesInFiveMinutes(t *testing.T) {
	env := testenv.New(t, auth.Kinds(), staff.Kinds(), Kinds())
	n := newNode(t, env)
	c := n.client()
	token := func(jti string) string {
		return n.ask(sign(t, jwt.SigningMethodEdDSA, "d", keys().ed, n.claims(c.ID, jti)), "").Token.Token
	}
	first := token("1")
	env.Clock.Add(5*time.Minute + time.Second)
	if status, _ := n.get("/fhir/who", first); status != 401 {
		t.Fatalf("a token of before: %d", status)
	}
	second := token("2")
	if _, err := n.svc.End(env.Ctx(), env.People.Johan, c.ID); halsocoach.KindOf(err) != halsocoach.KindForbidden {
		t.Fatal(err)
	}
	elsewhere := env.People.Kommun
	elsewhere.Kommun = "0680"
	if _, err := n.svc.End(env.Ctx(), elsewhere, c.ID); halsocoach.KindOf(err) != halsocoach.KindNotFound {
		t.Fatal(err)
	}
	testenv.Must(t, testenv.ErrOf(n.svc.End(env.Ctx(), env.People.Region, c.ID)))
	if status, _ := n.get("/fhir/who", second); status != 401 {
		t.Fatalf("a token of an ended client: %d", status)
	}
	if a := n.ask(sign(t, jwt.SigningMethodEdDSA, "d", keys().ed, n.claims(c.ID, "3")), ""); a.status != 401 {
		t.Fatalf("%+v", a)
	}
	testenv.Wants(t, testenv.ErrOf(n.svc.Rekey(env.Ctx(), env.People.Kommun, c.ID, keys().jwks())), ErrEnded)
}

func TestOtherKeysTakeOverAtOnce(t *testing.T) {
	env := testenv.New(t, auth.Kinds(), staff.Kinds(), Kinds())
	n := newNode(t, env)
	c := n.client()
	next, private, _ := ed25519.GenerateKey(rand.Reader)
	jwks := fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"n","x":%q}]}`, b64(next))
	testenv.Must(t, testenv.ErrOf(n.svc.Rekey(env.Ctx(), env.People.Kommun, c.ID, jwks)))
	if a := n.ask(sign(t, jwt.SigningMethodEdDSA, "d", keys().ed, n.claims(c.ID, "1")), ""); a.status != 401 {
		t.Fatalf("%+v", a)
	}
	if a := n.ask(sign(t, jwt.SigningMethodEdDSA, "n", private, n.claims(c.ID, "2")), ""); a.status != 200 {
		t.Fatalf("%+v", a)
	}
}

func TestOnlySoundPublicKeysAreTaken(t *testing.T) {
	short, _ := rsa.GenerateKey(rand.Reader, 1024)
	for name, jwks := range map[string]string{
		"nothing":        "",
		"not JSON":       "-----BEGIN PUBLIC KEY-----",
		"no keys":        `{"keys":[]}`,
		"private":        `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"n","x":"AA","d":"AA"}]}`,
		"a secret":       `{"keys":[{"kty":"oct","kid":"n","k":"AA"}]}`,
		"no kid":         `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + b64(make([]byte, 32)) + `"}]}`,
		"one kid twice":  `{"keys":[` + strings.Repeat(`{"kty":"OKP","crv":"Ed25519","kid":"n","x":"`+b64(make([]byte, 32))+`"},`, 2) + `{}]}`,
		"short RSA":      `{"keys":[{"kty":"RSA","kid":"n","e":"AQAB","n":"` + b64(short.N.Bytes()) + `"}]}`,
		"exponent 1":     `{"keys":[{"kty":"RSA","kid":"n","e":"AQ","n":"` + b64(keys().rsa.N.Bytes()) + `"}]}`,
		"P-256":          `{"keys":[{"kty":"EC","crv":"P-256","kid":"n","x":"AA","y":"AA"}]}`,
		"off the curve":  `{"keys":[{"kty":"EC","crv":"P-384","kid":"n","x":"` + b64(make([]byte, 48)) + `","y":"` + b64(make([]byte, 48)) + `"}]}`,
		"short Ed25519":  `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"n","x":"AAAA"}]}`,
		"for encryption": `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"n","use":"enc","x":"` + b64(make([]byte, 32)) + `"}]}`,
		"far too long":   `{"keys":[]}` + strings.Repeat(" ", 20<<10),
	} {
		if got, err := parseKeys(jwks); err == nil {
			t.Errorf("%s is taken: %v", name, got)
		}
	}
}
