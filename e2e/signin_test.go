package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/gorilla/websocket"

	"halsocoach/internal/auth/oidc/oidctest"
	"halsocoach/internal/testenv"
)

// installation is two nodes of `halsocoach serve` on one SQLite file and one
// nats-server, behind one address that takes them in turn, with a provider of
// sign-ins beside.
type installation struct {
	t        *testing.T
	provider *oidctest.Provider
	public   *Demo // the address that browsers use
	nodes    [2]string
	env      []string
	only     atomic.Int64 // 1 or 2: all requests go to that node
	turn     atomic.Int64
}

var signers = []oidctest.Person{
	{Name: "Elsa Berg", Subject: "elsa", ACR: "loa3", Claims: map[string]any{"personnummer": "200302022389", "kommun": "0684"}},
	{Name: "Eva Lund", Subject: "eva", ACR: "loa3"},
	{Name: "Maria Holm", Subject: "maria", ACR: "pwd", StrongACR: "loa3", Claims: map[string]any{"hsaid": "SE2321000016-1111"}},
	{Name: "Nils Okänd", Subject: "nils", ACR: "loa3"},
}

func install(t *testing.T, more ...string) *installation {
	t.Helper()
	in := &installation{t: t, provider: oidctest.New(t, signers...)}
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: in.rewrite})
	t.Cleanup(func() { front.CloseClientConnections(); front.Close() })
	in.public = &Demo{t: t, URL: front.URL}
	in.provider.Allow(front.URL, "bankid", "siths", "kommun")
	dir := t.TempDir()
	in.env = append(os.Environ(),
		"HALSOCOACH_STORE=sqlite:"+filepath.Join(dir, "halsocoach.db"), "HALSOCOACH_KEYS="+filepath.Join(dir, "keys"), "HALSOCOACH_NATS="+startNATS(t, t.TempDir()),
		"HALSOCOACH_PUBLIC_URL="+front.URL, "HALSOCOACH_OIDC_FILE="+in.providers(dir), "HALSOCOACH_STOP_NOTICE=0s")
	in.env = append(in.env, more...)
	for i := range in.nodes {
		in.start(i)
	}
	return in
}

// providers writes the configuration that docs/sign-in.md describes.
func (in *installation) providers(dir string) string {
	in.t.Helper()
	secret := filepath.Join(dir, "secret")
	one := func(id, title, whom string, more, claims map[string]any) map[string]any {
		p := map[string]any{"id": id, "title": title, "issuer": in.provider.URL, "clientId": in.provider.Client, "clientSecretFile": secret, "for": []string{whom}, "claims": claims}
		for k, v := range more {
			p[k] = v
		}
		return p
	}
	body, err := json.Marshal([]any{
		one("bankid", "BankID eller Freja", "citizens", nil, map[string]any{"personnummer": "personnummer", "kommun": "kommun"}),
		one("siths", "SITHS-kort", "staff", map[string]any{"acr": []string{"loa3"}}, map[string]any{"hsaId": "hsaid"}),
		one("kommun", "Sävsjö kommun", "staff", nil, map[string]any{}),
	})
	path := filepath.Join(dir, "sign-in.json")
	testenv.Must(in.t, errors.Join(err, os.WriteFile(secret, []byte(in.provider.Secret+"\n"), 0o600), os.WriteFile(path, body, 0o600)))
	return path
}

func (in *installation) start(i int) {
	in.t.Helper()
	addr := freeAddress(in.t)
	logs, err := os.Create(filepath.Join(in.t.TempDir(), fmt.Sprintf("node-%d.log", i+1)))
	testenv.Must(in.t, err)
	cmd := exec.Command(binary, "serve", "--addr", addr)
	cmd.Env, cmd.Stderr, cmd.Stdout = in.env, logs, logs
	testenv.Must(in.t, cmd.Start())
	in.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		b, _ := os.ReadFile(logs.Name())
		if in.t.Failed() {
			in.t.Logf("node %d:\n%s", i+1, tail(string(b), 3000))
		}
		for _, secret := range []string{"2389", "Elsa", "Maria", "SE2321000016"} {
			if bytes.Contains(b, []byte(secret)) {
				in.t.Errorf("the log of node %d holds %s", i+1, secret)
			}
		}
	})
	in.nodes[i] = "http://" + addr
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		res, err := web.Get(in.nodes[i] + "/readyz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Since(began) > patience {
			in.t.Fatalf("node %d was never ready: %v", i+1, err)
		}
	}
}

// rewrite sends requests to the nodes in turn: no node knows anything that the
// other does not.
func (in *installation) rewrite(r *httputil.ProxyRequest) {
	i := in.only.Load()
	if i == 0 {
		i = in.turn.Add(1)%2 + 1
	}
	to, err := url.Parse(in.nodes[i-1])
	if err != nil {
		return
	}
	r.SetURL(to)
	r.Out.Host = r.In.Host
}

var inviteLink = regexp.MustCompile(`/inbjudan/[A-Za-z0-9_-]{43}`)

// invite is the path of the link that the operator's command prints.
func (in *installation) invite(args ...string) string {
	in.t.Helper()
	cmd := exec.Command(binary, append([]string{"invite"}, args...)...)
	cmd.Env = in.env
	out, err := cmd.CombinedOutput()
	link := inviteLink.FindString(string(out))
	if err != nil || link == "" {
		in.t.Fatalf("invite: %v\n%s", err, out)
	}
	return link
}

// session is the token in the browser's cookie.
func (b *Browser) session() string {
	b.t.Helper()
	var token string
	b.do("read the cookies", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		all, err := cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{})
		if err != nil {
			return err
		}
		for _, c := range all.Cookies {
			if c.Name == "session" {
				token = c.Value
			}
		}
		return nil
	}))
	return token
}

func TestPeopleSignInWithTheirOwnProviders(t *testing.T) {
	in := install(t)
	for _, width := range []int{Phone, Wide} {
		t.Run(fmt.Sprintf("%d px", width), func(t *testing.T) {
			d := in.public
			d.t = t
			in.t = t
			in.strangers(t, width)
			in.citizen(t, width)
			if width == Phone {
				in.staffJoin(t, width)
			}
			in.staffReturn(t, width)
			in.signOutBites(t, width)
		})
	}
}

// strangers: somebody who cancels, and somebody whom nobody has let in.
func (in *installation) strangers(t *testing.T, width int) {
	b := in.public.Browse(t, "stranger", width)
	b.Open("/logga-in?next=/mina-inloggningar")
	b.See("BankID eller Freja")
	b.Good("80-sign-in")
	b.PressText("BankID eller Freja")
	b.PressText("Avbryt")
	b.See("Du avbröt inloggningen")
	b.Good("81-cancelled")
	b.Open("/logga-in")
	b.PressText("Sävsjö kommun")
	b.PressText("Nils Okänd")
	b.See("Du finns inte i personalregistret än")
	b.Good("82-not-in-the-register")
	in.provider.Do(oidctest.Wrong{HTMLToken: true})
	b.Open("/logga-in")
	b.PressText("BankID eller Freja")
	b.PressText("Elsa Berg")
	b.See("svarar konstigt just nu")
	b.Good("83-provider-answers-html")
	in.provider.Do(oidctest.Wrong{})
}

// citizen: Elsa signs in with her e-identification, lands where she was going,
// and sees where she is signed in.
func (in *installation) citizen(t *testing.T, width int) {
	b := in.public.Browse(t, "elsa", width)
	b.Open("/mina-inloggningar")
	if b.Path() != "/logga-in" {
		t.Fatalf("a visitor is at %s", b.Path())
	}
	b.PressText("BankID eller Freja")
	b.PressText("Elsa Berg")
	b.See("Mina inloggningar")
	if b.Path() != "/mina-inloggningar" {
		t.Errorf("landed on %s", b.Path())
	}
	b.See("Chrome på Linux")
	b.Good("84-own-sign-ins")
	b.Open("/min-halsa")
	b.See("Elsa Berg")
}

// staffJoin: the kommun's administrator comes in by the operator's link and her
// kommun's own sign-in, and invites a coach, who has a card and must use it.
func (in *installation) staffJoin(t *testing.T, width int) {
	eva := in.public.Browse(t, "eva", width)
	eva.Open(in.invite("--role", "kommun", "--kommun", "0684"))
	eva.See("Visa vem du är")
	eva.Good("85-invitation-to-prove")
	eva.PressText("Sävsjö kommun")
	eva.PressText("Eva Lund")
	eva.See("Du har visat vem du är")
	eva.Good("86-invitation-proven")
	eva.PressText("Tacka ja och logga in")
	eva.See("Välkommen! Du är inloggad.")
	eva.Open("/personal/bjud-in")
	eva.Tick("place", "centre:0684")
	eva.PressText("Gör en länk")
	link := inviteLink.FindString(eva.Text("main"))
	maria := in.public.Browse(t, "maria", width)
	maria.Open(link)
	maria.PressText("SITHS-kort")
	maria.PressText("Maria Holm")
	if !strings.HasPrefix(js[string](maria, "where", "location.href"), in.provider.URL) {
		t.Fatal("a password was enough")
	}
	maria.PressText("Maria Holm") // now with the card
	maria.See("HSA-id SE2321000016-1111")
	maria.PressText("Tacka ja och logga in")
	maria.See("Välkommen! Du är inloggad.")
	if maria.Path() != "/skrivbord" {
		t.Errorf("the coach landed on %s", maria.Path())
	}
	eva.Open("/personal")
	eva.Good("87-staff")
	eva.Press(`a[href$="/inloggningar"]:not([href="/mina-inloggningar"])`)
	eva.See("Inloggningar för")
	eva.Good("88-sign-ins-of-a-colleague")
}

// staffReturn: from then on the sign-in is enough.
func (in *installation) staffReturn(t *testing.T, width int) {
	eva := in.public.Browse(t, "eva", width)
	eva.Open("/logga-in?next=/personal")
	eva.PressText("Sävsjö kommun")
	eva.PressText("Eva Lund")
	eva.See("De som arbetar med Hälsocoach online")
	eva.See("Maria Holm")
	eva.Good("89-administrator")
}

// signOutBites: Maria signs out on the first node; on the second her session is
// over and her open socket closed.
func (in *installation) signOutBites(t *testing.T, width int) {
	defer in.only.Store(0)
	maria := in.public.Browse(t, "maria", width)
	maria.Open("/logga-in")
	maria.PressText("SITHS-kort")
	maria.PressText("Maria Holm")
	maria.PressText("Maria Holm")
	maria.until("the desk", `location.pathname === "/skrivbord"`)
	maria.Good("90-coach")
	token := maria.session()
	second := &Client{demo: &Demo{t: t, URL: in.nodes[1]}, Token: token}
	if status, body, err := second.Call(t.Context(), http.MethodGet, "/api/v1/conversations", "", nil, nil); err != nil || status != 200 {
		t.Fatalf("on the second node: %d %v %s", status, err, body)
	}
	dial := websocket.Dialer{Subprotocols: []string{"halsocoach.v1"}, HandshakeTimeout: patience}
	ws, _, err := dial.DialContext(t.Context(), strings.Replace(in.nodes[1], "http", "ws", 1)+"/ws", http.Header{"Authorization": {"Bearer " + token}, "Origin": {in.public.URL}})
	testenv.Must(t, err)
	defer ws.Close()
	time.Sleep(300 * time.Millisecond) // the socket settles in

	in.only.Store(1)
	began := time.Now()
	js[bool](maria, "open the account", `(() => { document.querySelector(".account").open = true; return true })()`)
	maria.Press(`form[action="/logga-ut"] button`)
	maria.See("Du är utloggad")
	_ = ws.SetReadDeadline(began.Add(patience))
	for err = nil; err == nil; {
		_, _, err = ws.ReadMessage()
	}
	if took := time.Since(began); !websocket.IsCloseError(err, 4401) {
		t.Errorf("after %v the socket on the second node ended with %v", took, err)
	} else {
		t.Logf("the socket on the second node closed with 4401 after %.2f s", took.Seconds())
	}
	if status, _, err := second.Call(t.Context(), http.MethodGet, "/api/v1/conversations", "", nil, nil); err != nil || status != 401 {
		t.Errorf("on the second node after the sign-out: %d %v", status, err)
	}
	if left := in.provider.Left(); len(left) == 0 {
		t.Error("the provider was not told of the sign-out")
	}
}

// TestASessionWarnsBeforeItEndsAndKeepsTheForm: with a limit of a minute the page
// warns after forty seconds; staying keeps the session, and when it has ended the
// page says so with what was written still there.
func TestASessionWarnsBeforeItEndsAndKeepsTheForm(t *testing.T) {
	t.Parallel() // it mostly waits
	in := install(t, "HALSOCOACH_SESSION_IDLE=1m")
	for _, width := range []int{Phone, Wide} {
		in.public.t = t
		b := in.public.Browse(t, "elsa", width)
		b.Open("/logga-in?next=/min-halsa/mal/nytt")
		b.PressText("BankID eller Freja")
		b.PressText("Elsa Berg")
		b.See("Elsa Berg")
		open := `document.getElementById("session-guard").open`
		words := "Gå en promenad efter maten"
		area := `document.querySelector("main textarea, main input[type=text]")`
		has := js[bool](b, "write", fmt.Sprintf(`(() => { const e = %s; if (!e) return false; e.value = %q; return true })()`, area, words))
		if js[bool](b, "no warning yet", open) {
			t.Fatal("it warns at once")
		}
		if width == Wide { // the second time only the end
			in.endsInTheMiddle(t, b, open)
		} else {
			b.until("the warning", open)
			b.See("Är du kvar?")
			b.Good("91-session-warning")
			js[bool](b, "stay", `(() => { document.querySelector("[data-stay] button").click(); return true })()`)
			b.until("the warning goes", "!"+open)
		}
		if has && js[string](b, "what was written", area+`.value`) != words {
			t.Error("what was written is gone")
		}
		if js[string](b, "where", "location.pathname") != "/min-halsa/mal/nytt" {
			t.Errorf("the page is %s", b.Path())
		}
	}
}

// endsInTheMiddle: the person ends all other sign-ins from another browser; the
// page says so when it next asks.
func (in *installation) endsInTheMiddle(t *testing.T, b *Browser, open string) {
	other := in.public.Browse(t, "elsa-other", Wide)
	other.Open("/logga-in?next=/mina-inloggningar")
	other.PressText("BankID eller Freja")
	other.PressText("Elsa Berg")
	other.PressText("Logga ut överallt utom här")
	other.See("Du är utloggad överallt utom här.")
	b.until("the word that it is over", open)
	b.See("Du är utloggad")
	b.Good("92-session-over")
	js[bool](b, "close", `(() => { document.querySelector('[data-when="over"] [data-close]').click(); return true })()`)
	b.until("it closes", "!"+open)
}
