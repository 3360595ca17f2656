package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach/internal/testenv"
)

// TestTheManualLeadsToTwoNodesBehindTLS follows docs/operations.md word for word
// in an empty folder, with Debian's Caddy and nats-server, and looks after each
// step that what the manual says is so.
func TestTheManualLeadsToTwoNodesBehindTLS(t *testing.T) {
	t.Parallel() // it mostly waits
	if smallWorld(t) {
		return
	}
	s := newShell(t)
	m := &manual{shell: s}
	after := map[string]func(said string){
		"caddy":   m.answers,
		"invite":  m.invited,
		"health":  m.healthy,
		"die":     m.outlived,
		"back":    func(string) { m.bothAnswer() },
		"backup":  m.backedUp,
		"restore": m.restored,
		"keys":    m.rotated,
	}
	all := blocks(t, filepath.Join("..", "docs", "operations.md"))
	if len(all) < 10 {
		t.Fatalf("the manual has %d blocks of commands", len(all))
	}
	for _, b := range all {
		began := time.Now()
		ask := map[string]func() func(){"roll": m.underUse, "die": m.reading}[b.name]
		calm := func() {}
		if ask != nil {
			calm = ask()
		}
		said := s.run(b.lines)
		calm()
		if look := after[b.name]; look != nil {
			look(said)
			delete(after, b.name)
		}
		t.Logf("line %3d %-9s %5.1f s", b.line, b.name, time.Since(began).Seconds())
	}
	for name := range after {
		t.Errorf("the manual has no block %q", name)
	}
	s.run("stop 1\nstop 2\ncaddy stop 2>> log/caddy.log\n")
}

// manual is what the steps leave behind for the next.
type manual struct {
	*shell
	web   *http.Client // trusts Caddy's own authority, and keeps cookies
	later string       // path of an invitation made after the backup
}

const site = "https://localhost:8443"

// page asks for a page and gives back its status and text.
func (m *manual) page(c *http.Client, path string) (int, string, error) {
	res, err := c.Get(site + path)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func (m *manual) mustPage(path string, status int, says string) string {
	m.t.Helper()
	got, text, err := m.page(m.web, path)
	if err != nil || got != status || !strings.Contains(text, says) {
		m.t.Fatalf("%s answers %d (%v), and says\n%s\nwanted %d and %q", path, got, err, tail(text, 2000), status, says)
	}
	return text
}

// answers: TLS by Caddy's own authority and no other, inner paths not shown.
func (m *manual) answers(said string) {
	m.t.Helper()
	if !strings.HasSuffix(strings.TrimSpace(said), "\n200") {
		m.t.Errorf("curl says %q", said)
	}
	root, err := os.ReadFile(filepath.Join(m.dir, "tls/caddy/pki/authorities/local/root.crt"))
	testenv.Must(m.t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(root) {
		m.t.Fatal("Caddy's root is no certificate")
	}
	jar, err := cookiejar.New(nil)
	testenv.Must(m.t, err)
	m.web = &http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 16}}
	m.mustPage("/", http.StatusOK, "Hälsocoach online")
	for _, path := range []string{"/healthz", "/readyz"} {
		m.mustPage(path, http.StatusNotFound, "")
	}
	var unknown *tls.CertificateVerificationError
	if _, err := (&http.Client{Timeout: patience}).Get(site); !errors.As(err, &unknown) {
		m.t.Errorf("a client that does not know the authority gets %v", err)
	}
	m.bothAnswer()
}

// bothAnswer asks until each node has answered.
func (m *manual) bothAnswer() {
	m.t.Helper()
	from := map[string]int{}
	for _, node := range []string{"node1", "node2"} {
		from[node] = m.requests(node)
	}
	for began := time.Now(); ; {
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { _, _, _ = m.page(m.web, "/gruppaktiviteter") })
		}
		group.Wait()
		if m.requests("node1") > from["node1"] && m.requests("node2") > from["node2"] {
			return
		}
		if time.Since(began) > patience {
			m.t.Fatal("only one of the nodes is asked")
		}
	}
}

// requests counts the requests in a node's log.
func (m *manual) requests(node string) int {
	m.t.Helper()
	b, err := os.ReadFile(filepath.Join(m.dir, "log", node+".log"))
	testenv.Must(m.t, err)
	return strings.Count(string(b), "/gruppaktiviteter")
}

var link = regexp.MustCompile(`https://\S+/inbjudan/\S+`)

// invited opens the link as the person it is meant for: they are the region's
// administrator, on both nodes, and the link works no second time.
func (m *manual) invited(said string) {
	m.t.Helper()
	at := link.FindString(said)
	path, ok := strings.CutPrefix(at, site)
	if !ok {
		m.t.Fatalf("the command says %q", said)
	}
	form := m.mustPage(path, http.StatusOK, "Välkommen till Hälsocoach online")
	res, err := m.web.PostForm(at, url.Values{"name": {"Rut Region"}, "_key": {hidden(form)}})
	testenv.Must(m.t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || strings.Contains(res.Request.URL.Path, "inbjudan") {
		m.t.Fatalf("the invitation leads to %s, %d", res.Request.URL.Path, res.StatusCode)
	}
	for range 6 {
		m.mustPage("/personal", http.StatusOK, "Rut Region")
	}
	stranger := &http.Client{Transport: m.web.Transport, Timeout: m.web.Timeout}
	if status, _, err := m.page(stranger, path); err != nil || status == http.StatusOK {
		m.t.Errorf("the used link answers %d (%v)", status, err)
	}
}

var keyField = regexp.MustCompile(`name="_key" value="([^"]+)"`)

func hidden(form string) string {
	if f := keyField.FindStringSubmatch(form); f != nil {
		return f[1]
	}
	return ""
}

func (m *manual) healthy(said string) {
	m.t.Helper()
	if strings.TrimSpace(said) == "0" {
		m.t.Error("no metrics")
	}
}

// asked is what a crowd has seen.
type asked struct {
	mu    sync.Mutex
	n     int
	wrong []string
}

func (a *asked) note(what string, status int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.n++; err != nil || status >= 400 {
		a.wrong = append(a.wrong, fmt.Sprintf("%s: %d %v", what, status, err))
	}
}

// crowd asks all the time, from the moment it returns until what it returns is
// called. Not one of them may be turned away.
func (m *manual) crowd(ask ...func(*asked)) (calm func()) {
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	a := &asked{}
	for _, f := range ask {
		all.Go(func() {
			for ctx.Err() == nil {
				f(a)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	return func() {
		m.t.Helper()
		time.Sleep(500 * time.Millisecond)
		stop()
		all.Wait()
		m.t.Logf("%d requests meanwhile", a.n)
		if a.n < 20 || len(a.wrong) > 0 {
			m.t.Errorf("%d of %d went wrong: %s", len(a.wrong), a.n, strings.Join(a.wrong[:min(5, len(a.wrong))], "; "))
		}
	}
}

func (m *manual) reader(a *asked) {
	status, _, err := m.page(m.web, "/personal")
	a.note("GET /personal", status, err)
}

func (m *manual) writer(a *asked) {
	r, err := http.NewRequest(http.MethodPost, site+"/sprak", strings.NewReader(url.Values{"sprak": {"sv"}}.Encode()))
	if err != nil {
		a.note("POST /sprak", 0, err)
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", site)
	quick := &http.Client{Transport: m.web.Transport, Timeout: m.web.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := quick.Do(r)
	if err != nil {
		a.note("POST /sprak", 0, err)
		return
	}
	_, err = io.Copy(io.Discard, res.Body)
	a.note("POST /sprak", res.StatusCode, errors.Join(err, res.Body.Close()))
}

// underUse: a rolling restart is seen by nobody, reader or writer.
func (m *manual) underUse() func() { return m.crowd(m.reader, m.reader, m.reader, m.writer) }

// reading: a dead node is seen by no reader.
func (m *manual) reading() func() { return m.crowd(m.reader, m.reader, m.reader) }

// outlived: node 1 is gone, and the service is not.
func (m *manual) outlived(string) {
	m.t.Helper()
	if res, err := http.Get("http://127.0.0.1:8081/healthz"); err == nil {
		res.Body.Close()
		m.t.Error("node 1 still lives")
	}
	for range 10 {
		m.mustPage("/personal", http.StatusOK, "Rut Region")
	}
}

// backedUp writes something after the backup, which a restore takes away.
func (m *manual) backedUp(string) {
	m.t.Helper()
	for _, name := range []string{"data", "keys"} {
		st, err := os.Stat(filepath.Join(m.dir, "backup", name+".backup"))
		if err != nil || st.Mode().Perm() != 0o600 || st.Size() == 0 {
			m.t.Errorf("the backup of the %s: %v %v", name, st, err)
		}
	}
	said := m.run("./halsocoach invite --role operator\n")
	m.later = strings.TrimPrefix(link.FindString(said), site)
	m.mustPage(m.later, http.StatusOK, "Välkommen till Hälsocoach online")
}

// restored: the data of the backup, and people still signed in by today's keys.
func (m *manual) restored(string) {
	m.t.Helper()
	for range 6 {
		m.mustPage("/personal", http.StatusOK, "Rut Region")
	}
	if status, _, err := m.page(m.web, m.later); err != nil || status == http.StatusOK {
		m.t.Errorf("what came after the backup is there after the restore: %d (%v)", status, err)
	}
	m.bothAnswer()
}

// rotated: a new signing key signs nobody out.
func (m *manual) rotated(said string) {
	m.t.Helper()
	if !strings.Contains(said, "signs from") {
		m.t.Errorf("the rotation says %q", said)
	}
	for range 6 {
		m.mustPage("/personal", http.StatusOK, "Rut Region")
	}
}
