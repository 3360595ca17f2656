package fhir

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
	"halsocoach/referral/sender"
)

// door is the whole door on a real store. Who asks stands in a header.
type door struct {
	*testenv.Env
	records *record.Records
	coach   *inbox.Service
	sender  *sender.Service
	svc     *Service
	app     *web.App
	people  map[string]halsocoach.Actor
}

const who = "X-Test-Actor"

// journal is the system of Sävsjö vårdcentral, with every right.
var journal = halsocoach.Actor{ID: "machine:savsjo-vardcentral", Role: halsocoach.RoleCareCentre, Name: "Journalen", Kommun: "0684",
	Unit: "savsjo-vardcentral", Session: "j", Scope: "system/ServiceRequest.cru system/Task.ru"}

func open(t testing.TB) *door {
	t.Helper()
	env := testenv.New(t, append(record.Kinds(), Kinds()...))
	other, reads := journal, journal
	other.ID, other.Unit = "machine:other", "other"
	reads.Scope = "system/Task.r"
	d := &door{Env: env, people: map[string]halsocoach.Actor{"journal": journal, "other": other, "reads": reads, "maria": env.People.Maria,
		"vardcentral": env.People.Vardcentral, "forening": env.People.Forening}}
	d.records = record.New(record.Config{Store: env.Store, Seal: env.Seal, Clock: env.Clock.Now, Settings: env.Terms,
		Registers: env.Registers, Staff: env.Staff, AccessLog: env.AccessLog, Persons: env.Persons, Log: env.Log})
	d.coach = inbox.New(inbox.Config{Records: d.records, Persons: env.Persons, Log: env.Log})
	d.sender = sender.New(sender.Config{Records: d.records, Inbox: d.coach})
	d.svc = New(Config{Store: env.Store, Records: d.records, Sender: d.sender, Clock: env.Clock.Now, PublicURL: "http://example.test"})
	d.app = web.New(web.Config{PublicURL: "http://example.test", Log: env.Log, Clock: env.Clock.Now, Faults: map[string]web.SayFault{"/fhir": Say},
		Actor: func(c *fiber.Ctx) (halsocoach.Actor, error) { return d.people[c.Get(who)], nil }})
	d.svc.Routes(d.app.Fiber())
	return d
}

// folded gives every Task its place, as the consumer does.
func (d *door) folded() {
	d.T.Helper()
	var ids []string
	if err := d.Store.Each(d.Ctx(), "referrals", func(doc store.Document) error { ids = append(ids, doc.ID); return nil }); err != nil {
		d.T.Fatal(err)
	}
	for _, id := range ids {
		testenv.Must(d.T, d.svc.fold(d.Ctx(), id))
	}
}

type answer struct {
	status int
	header http.Header
	body   string
	tree   map[string]any
}

// ask sends a request; headers are name and value in turn. A body is FHIR JSON
// unless they say otherwise.
func (d *door) ask(as, method, path, body string, headers ...string) answer {
	d.T.Helper()
	if strings.HasPrefix(path, "/fhir/Task?") || path == "/fhir/Task" {
		d.folded()
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set(who, as)
	if as != "" {
		r.Header.Set("Authorization", "Bearer "+as) // large bodies are for who signs in
	}
	if body != "" {
		r.Header.Set("Content-Type", mediaFHIR)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := d.app.Fiber().Test(r, -1)
	testenv.Must(d.T, err)
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	a := answer{res.StatusCode, res.Header, string(b), nil}
	if err := json.Unmarshal(b, &a.tree); err != nil {
		d.T.Fatalf("%s %s: %d, not JSON: %s", method, path, a.status, b)
	}
	return a
}

// is fails unless the answer is a fault of this status, code and place.
func (a answer) is(t testing.TB, name string, status int, code, where string) {
	t.Helper()
	issues, _ := a.tree["issue"].([]any)
	if a.status != status || a.tree["resourceType"] != "OperationOutcome" || len(issues) == 0 || a.header.Get("Content-Type") != mediaFHIR {
		t.Errorf("%s: %d %s", name, a.status, a.body)
		return
	}
	for _, i := range issues {
		issue := i.(map[string]any)
		at, _ := issue["expression"].([]any)
		said, _ := issue["diagnostics"].(string)
		if issue["code"] == code && (where == "" || len(at) == 1 && at[0] == where) && said != "" && issue["severity"] != nil {
			return
		}
	}
	t.Errorf("%s: no %s at %s in %s", name, code, where, a.body)
}

// tree is a good Bundle, to be changed.
func tree(t testing.TB) map[string]any {
	t.Helper()
	b, err := os.ReadFile("testdata/bundle.json")
	testenv.Must(t, err)
	var out map[string]any
	testenv.Must(t, json.Unmarshal(b, &out))
	return out
}

// set puts a value at a path ("entry.0.resource.name"); absent removes what is
// there.
func set(root any, path string, value any) any {
	name, rest, more := strings.Cut(path, ".")
	switch x := root.(type) {
	case map[string]any:
		x = maps.Clone(x)
		switch {
		case more:
			x[name] = set(x[name], rest, value)
		case value == absent:
			delete(x, name)
		default:
			x[name] = value
		}
		return x
	case []any:
		x = append([]any{}, x...)
		i := int(name[0] - '0')
		if !more {
			x[i] = value
			return x
		}
		x[i] = set(x[i], rest, value)
		return x
	}
	if !more {
		return map[string]any{name: value}
	}
	return map[string]any{name: set(nil, rest, value)}
}

// absent is no value at all.
var absent = any(&struct{ int }{})

func text2(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	testenv.Must(t, e.Encode(v))
	return b.String()
}

// bundle is a good one about somebody of their own, by the sender's identifier,
// with what is to differ as path and value in turn.
func bundle(t testing.TB, placer string, changes ...any) string {
	t.Helper()
	var b any = tree(t)
	b = set(b, "entry.1.resource.identifier.0.value", placer)
	b = set(b, "entry.1.request.ifNoneExist", absent)
	for i := 0; i+1 < len(changes); i += 2 {
		b = set(b, changes[i].(string), changes[i+1])
	}
	return text2(t, b)
}

// contained is the same as one ServiceRequest.
func contained(t testing.TB, placer string) string {
	t.Helper()
	entries := tree(t)["entry"].([]any)
	resource := func(i int) any { return entries[i].(map[string]any)["resource"] }
	p := set(resource(0), "id", "p")
	c := set(set(resource(2), "id", "c"), "patient.reference", "#p")
	s := set(set(resource(1), "subject.reference", "#p"), "supportingInfo.0.reference", "#c")
	s = set(set(s, "note.1.authorReference.reference", "#p"), "identifier.0.value", placer)
	return text2(t, set(s, "contained", []any{p, c}))
}

func (d *door) inbox() []inbox.Item {
	d.T.Helper()
	l, err := d.coach.List(d.Ctx(), d.People.Maria, record.InboxQuery{})
	testenv.Must(d.T, err)
	return l.Items
}

// sent sends a Bundle and gives its Task's id and tag.
func (d *door) sent(as, body string) (id, tag string) {
	d.T.Helper()
	a := d.ask(as, "POST", "/fhir", body)
	if a.status != 200 {
		d.T.Fatalf("%d %s", a.status, a.body)
	}
	for _, e := range a.tree["entry"].([]any) {
		r := e.(map[string]any)["response"].(map[string]any)
		if where, _ := r["location"].(string); strings.Contains(where, "/Task/") {
			return where[strings.LastIndex(where, "/")+1:], r["etag"].(string)
		}
	}
	d.T.Fatalf("no Task in %s", a.body)
	return "", ""
}
