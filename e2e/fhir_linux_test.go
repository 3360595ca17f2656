package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"halsocoach/internal/testenv"
)

// TestASupplierConnectsByThePage follows docs/fhir.md word for word in an empty
// folder, with the demo that it starts, and looks after each step that what the
// page says is so.
func TestASupplierConnectsByThePage(t *testing.T) {
	if os.Getenv(inside) == "" {
		t.Setenv(filledDir, original(t, today))
	}
	if smallWorld(t) {
		return
	}
	bin := t.TempDir()
	testenv.Must(t, os.Symlink(binary, filepath.Join(bin, "halsocoach")))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	s := newShell(t)
	data := filepath.Join(s.dir, "demo") // where the page has it
	testenv.Must(t, os.Mkdir(data, 0o700))
	copyTree(t, original(t, today), data)
	says := map[string][]string{
		"send":   {"200\nTask/"},
		"again":  {strings.Repeat("\"status\":\"200 OK\"\n", 4)},
		"wrong":  {"OperationOutcome", "Bundle.entry[0].resource.identifier[0].value", "Bundle.entry[1].resource.reasonCode[0]", "\n422"},
		"follow": {"\"status\":\"requested\"", "\"type\":\"searchset\""},
		"cancel": {"\"status\":\"cancelled\""},
		"keys":   {"\"kty\":\"RSA\""},
	}
	for _, b := range blocks(t, filepath.Join("..", "docs", "fhir.md")) {
		if b.name == "end" {
			connected(t, s)
		}
		said := s.run(b.lines)
		for _, want := range says[b.name] {
			if !strings.Contains(said, want) {
				t.Errorf("line %d, %s, says\n%s\nwithout %q", b.line, b.name, said, want)
			}
		}
		if b.name == "follow" {
			id := strings.TrimSpace(s.run("echo $id\n"))
			if n := strings.Count(said, "\"fullUrl\":\"http://127.0.0.1:8080/fhir/Task/"+id); id == "" || n != 2 {
				t.Errorf("the Task %s is found %d times in\n%s", id, n, said)
			}
		}
		delete(says, b.name)
	}
	for name := range says {
		t.Errorf("the page has no block %q", name)
	}
}

// connected registers the page's own keys as the kommun's administrator does, and
// asks for a token by them in the supplier's shell.
func connected(t *testing.T, s *shell) {
	t.Helper()
	const site = "http://127.0.0.1:8080"
	jar, err := cookiejar.New(nil)
	testenv.Must(t, err)
	kommun := &http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(path string, form url.Values) string {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, site+path, strings.NewReader(form.Encode()))
		testenv.Must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", site)
		res, err := kommun.Do(r)
		testenv.Must(t, err)
		defer res.Body.Close()
		if res.StatusCode >= 400 {
			t.Fatalf("%s answers %s", path, res.Status)
		}
		return res.Header.Get("Location")
	}
	jwks, err := os.ReadFile(filepath.Join(s.dir, "jwks.json"))
	testenv.Must(t, err)
	post("/demo/sign-in", url.Values{"persona": {"kommun"}})
	page := post("/vardsystem/nytt", url.Values{"unit": {"vardcentral-0684"}, "name": {"Ny journal"}, "jwks": {string(jwks)},
		"scopes": {"system/ServiceRequest.cru", "system/Task.ru"}})
	client := strings.TrimPrefix(page, "/vardsystem/")
	use := "client=" + client + " kid=journal-$(date +%Y) key=private.pem\ntoken=$(new_token)\nfhir $base/fhir/Task/$id\n"
	if said := s.run(use); !strings.Contains(said, "\"status\":\"cancelled\"") {
		t.Errorf("the new client of the same care centre reads\n%s", said)
	}
	post(page+"/avsluta", nil)
	if said := s.run("fhir $base/fhir/Task/$id\n"); !strings.Contains(said, "\"code\":\"login\"") {
		t.Errorf("an ended client reads\n%s", said)
	}
}
