package fhir

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

func TestABundleBecomesOneRecommendationHoweverOftenItIsSent(t *testing.T) {
	d := open(t)
	body := bundle(t, "R-1", "entry.1.request.ifNoneExist", "identifier=https://journal.example/rekommendation|R-1")
	first := d.ask("journal", "POST", "/fhir", body)
	if first.status != 200 || first.tree["type"] != "transaction-response" || strings.Count(first.body, `"status":"201 Created"`) != 4 {
		t.Fatalf("%d %s", first.status, first.body)
	}
	id, _ := d.sent("journal", body)
	again := d.ask("journal", "POST", "/fhir", body)
	if strings.Count(again.body, `"status":"200 OK"`) != 4 || !strings.Contains(again.body, "/Task/"+id) {
		t.Fatalf("%s", again.body)
	}
	changed := strings.Replace(body, "070-174 06 05", "070-174 06 06", 1)
	if other, _ := d.sent("journal", changed); other != id {
		t.Fatal("a conditional create makes another")
	}
	d.ask("journal", "POST", "/fhir", strings.Replace(changed, `"ifNoneExist"`, `"x"`, 1)).is(t, "another wish", 409, "duplicate", "Bundle.entry[1].resource.identifier[0]")
	items := d.inbox()
	if len(items) != 1 || items[0].Name != "Test Testsson" || items[0].Language != "fi" || !items[0].Interpret || items[0].Source != halsocoach.FromCareCentre {
		t.Fatalf("%+v", items)
	}
	detail, err := d.coach.Open(d.Ctx(), d.People.Maria, items[0].ID)
	w := detail.Words[0]
	if err != nil || w.Phone != "070-174 06 05" || w.Email != "test@example.se" || w.Note != "Ring helst på förmiddagen." || w.Wants != "Jag vill komma ut och gå." || w.From.Consent.Scope != record.ScopeState {
		t.Fatalf("%+v %v", w, err)
	}
}

func TestARequestWithItsPatientInsideIsTheSame(t *testing.T) {
	d := open(t)
	body, condition := contained(t, "R 2"), "identifier="+url.QueryEscape("https://journal.example/rekommendation|R 2")
	a := d.ask("journal", "POST", "/fhir/ServiceRequest", body, "If-None-Exist", condition, "Content-Type", "application/json; charset=UTF-8", "Accept", "application/json")
	where := strings.TrimPrefix(a.header.Get("Location"), "http://example.test")
	if a.status != 201 || where == "" || a.header.Get("ETag") == "" || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	if again := d.ask("journal", "POST", "/fhir/ServiceRequest", body, "If-None-Exist", condition); again.status != 200 || again.header.Get("Location") != a.header.Get("Location") {
		t.Fatalf("%d %s", again.status, again.body)
	}
	read := d.ask("journal", "GET", where, "")
	if read.status != 200 || read.tree["status"] != "active" || !strings.Contains(read.body, `"value":"R 2"`) || !strings.Contains(read.body, `"code":"fysisk aktivitet"`) ||
		strings.Contains(read.body, "196101182803") || strings.Contains(read.body, "070") {
		t.Fatalf("%d %s", read.status, read.body)
	}
	d.ask("journal", "POST", "/fhir/ServiceRequest", body, "If-None-Exist", "identifier=x|y").is(t, "another's identifier", 422, "not-supported", "")
	d.ask("journal", "POST", "/fhir/ServiceRequest", body, "If-None-Exist", "%zz").is(t, "no condition", 422, "not-supported", "")
	d.ask("journal", "POST", "/fhir/ServiceRequest", bundle(t, "R-3")).is(t, "a Bundle", 422, "invalid", "resourceType")
	d.ask("journal", "POST", "/fhir", body).is(t, "a ServiceRequest", 422, "invalid", "resourceType")
	if len(d.inbox()) != 1 {
		t.Fatal("one was sent")
	}
}

func TestATaskTellsHowItGoesAndNoMoreThanThePersonLets(t *testing.T) {
	d := open(t)
	id, tag := d.sent("journal", bundle(t, "R-1"))
	status := func(want, business string) answer {
		t.Helper()
		a := d.ask("journal", "GET", "/fhir/Task/"+id, "")
		if a.status != 200 || a.tree["status"] != want || !strings.Contains(a.body, `"code":"`+business+`"`) {
			t.Fatalf("wanted %s %s: %d %s", want, business, a.status, a.body)
		}
		return a
	}
	if a := status("requested", "2.0"); a.header.Get("ETag") != tag {
		t.Fatalf("%s is not %s", a.header.Get("ETag"), tag)
	}
	d.Clock.Add(time.Hour)
	item := d.inbox()[0]
	decide := func(k string, r inbox.Ruling) {
		t.Helper()
		testenv.Must(t, testenv.ErrOf(d.coach.Decide(d.Ctx(), d.People.Maria, halsocoach.Request{Key: k}, item.ID, r)))
	}
	decide("f", inbox.Ruling{Decision: "forward", Centre: "0680"})
	if a := status("cancelled", "4.0"); !strings.Contains(a.body, "forwarded") || a.header.Get("ETag") == tag {
		t.Fatalf("%s", a.body)
	}
	var both answer
	d.Start(t)
	d.Eventually("the forwarded one is there", func() bool {
		both = d.ask("journal", "GET", "/fhir/Task?focus=ServiceRequest/"+id, "")
		entries, _ := both.tree["entry"].([]any)
		return len(entries) == 2
	})
	if !strings.Contains(both.body, `"status":"requested"`) || strings.Count(both.body, "ServiceRequest/"+id+`"`) < 2 {
		t.Fatalf("%s", both.body)
	}
	if r := d.ask("journal", "GET", "/fhir/ServiceRequest/"+id, ""); r.tree["status"] != "active" || !strings.Contains(r.body, `"value":"0680"`) {
		t.Fatalf("%s", r.body)
	}
	next := both.tree["entry"].([]any)[1].(map[string]any)["resource"].(map[string]any)["id"].(string)
	if a := d.ask("journal", "GET", "/fhir/Task/"+next, ""); a.status != 200 || strings.ContainsAny(next, "_") {
		t.Fatalf("%s: %d", next, a.status)
	}
}

// Start runs the referral's consumers, which move what is forwarded.
func (d *door) Start(t *testing.T) {
	t.Helper()
	testenv.Must(d.T, d.records.Start(d.Ctx(), d.Bus))
}

func TestTheSenderTakesBackByTheVersionThatWasRead(t *testing.T) {
	d := open(t)
	id, tag := d.sent("journal", bundle(t, "R-1"))
	cancel := `[{"op":"replace","path":"/status","value":"cancelled"}]`
	patch := func(body, tag string) answer {
		return d.ask("journal", "PATCH", "/fhir/Task/"+id, body, "Content-Type", mediaPatch, "If-Match", tag)
	}
	d.ask("journal", "PATCH", "/fhir/Task/"+id, cancel, "Content-Type", mediaPatch).is(t, "no version", 428, "required", "http.If-Match")
	for name, bad := range map[string]string{"another version": `W/"1"`, "no version": "x", "a star": "*", "not ours": `"abc"`} {
		patch(cancel, bad).is(t, name, 412, "conflict", "")
	}
	for name, x := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"not a list":     {`{"op":"replace"}`, 400, "structure"},
		"empty":          {`[]`, 422, "not-supported"},
		"another op":     {`[{"op":"remove","path":"/status"}]`, 422, "not-supported"},
		"another path":   {`[{"op":"replace","path":"/owner","value":"x"}]`, 422, "not-supported"},
		"two":            {`[{"op":"replace","path":"/status","value":"cancelled"},{"op":"replace","path":"/status","value":"accepted"}]`, 422, "not-supported"},
		"not a text":     {`[{"op":"replace","path":"/status","value":{"a":1}}]`, 422, "value"},
		"the receiver's": {`[{"op":"replace","path":"/status","value":"accepted"}]`, 422, "business-rule"},
		"nonsense":       {`[{"op":"replace","path":"/status","value":"x"}]`, 422, "business-rule"},
	} {
		patch(x.body, tag).is(t, name, x.status, x.code, "")
	}
	task := d.ask("journal", "GET", "/fhir/Task/"+id, "").tree
	put := func(v any, tag string) answer {
		return d.ask("journal", "PUT", "/fhir/Task/"+id, text2(t, v), "If-Match", tag)
	}
	put(set(task, "status", "accepted"), tag).is(t, "the receiver's", 422, "business-rule", "Task.status")
	put(set(task, "status", 7), tag).is(t, "a number", 400, "code-invalid", "Task.status")
	put(set(task, "id", "other"), tag).is(t, "another id", 400, "invalid", "Task.id")
	put(set(task, "id", absent), tag).is(t, "no id", 400, "invalid", "Task.id")
	put(set(task, "focus", absent), tag).is(t, "no focus", 422, "invariant", "Task.focus")
	put(set(task, "focus.reference", "ServiceRequest/x"), tag).is(t, "another focus", 422, "invariant", "Task.focus")
	put(set(task, "intent", "plan"), tag).is(t, "another intent", 422, "invariant", "Task.intent")
	put(set(task, "meta.security", []any{map[string]any{"system": "x", "code": "y"}}), tag).is(t, "an unknown label", 422, "code-invalid", "Task.meta.security[0]")
	put(set(task, "resourceType", "Basic"), tag).is(t, "another resource", 422, "invalid", "resourceType")
	d.ask("other", "PATCH", "/fhir/Task/"+id, cancel, "Content-Type", mediaPatch, "If-Match", tag).is(t, "another's", 404, "not-found", "")
	d.ask("reads", "PATCH", "/fhir/Task/"+id, cancel, "Content-Type", mediaPatch, "If-Match", tag).is(t, "no right", 403, "forbidden", "")
	d.Clock.Add(time.Minute)
	done := patch(cancel, tag)
	if done.status != 200 || done.tree["status"] != "cancelled" || done.header.Get("ETag") == tag {
		t.Fatalf("%d %s", done.status, done.body)
	}
	if again := patch(cancel, done.header.Get("ETag")); again.status != 200 || again.header.Get("ETag") != done.header.Get("ETag") {
		t.Fatalf("%d %s", again.status, again.body)
	}
	put(set(task, "status", "entered-in-error"), done.header.Get("ETag")).is(t, "already gone", 409, "conflict", "")

	second, tag2 := d.sent("journal", bundle(t, "R-2"))
	if a := d.ask("journal", "GET", "/fhir/Task/"+second, ""); a.status != 200 {
		t.Fatal(a.body)
	}
	item := d.inbox()[0]
	d.Clock.Add(time.Minute)
	testenv.Must(t, testenv.ErrOf(d.coach.Decide(d.Ctx(), d.People.Maria, halsocoach.Request{Key: "a"}, item.ID, inbox.Ruling{Decision: "accept"})))
	id = second
	patch(cancel, tag2).is(t, "decided since", 412, "conflict", "")
	now := d.ask("journal", "GET", "/fhir/Task/"+second, "")
	if now.tree["status"] != "accepted" {
		t.Fatal(now.body)
	}
	patch(cancel, now.header.Get("ETag")).is(t, "decided", 409, "conflict", "")
	wrong := put(set(now.tree, "status", "entered-in-error"), now.header.Get("ETag"))
	if wrong.status != 200 || wrong.tree["status"] != "entered-in-error" {
		t.Fatalf("%d %s", wrong.status, wrong.body)
	}
}

func TestAClientSeesOnlyItsOwnUnits(t *testing.T) {
	d := open(t)
	id, _ := d.sent("journal", bundle(t, "R-1"))
	theirs, _ := d.sent("other", bundle(t, "R-1"))
	if id == theirs || len(d.inbox()) != 1 { // joined, and neither can tell
		t.Fatal(id, theirs, len(d.inbox()))
	}
	for _, path := range []string{"/fhir/Task/" + id, "/fhir/ServiceRequest/" + id, "/fhir/Task/..", "/fhir/Task/x_y"} {
		d.ask("other", "GET", path, "").is(t, path, 404, "not-found", "")
	}
	found := d.ask("other", "GET", "/fhir/Task", "")
	if strings.Contains(found.body, id) || !strings.Contains(found.body, theirs) {
		t.Fatal(found.body)
	}
	if a := d.ask("other", "GET", "/fhir/Task?focus="+id, ""); a.status != 200 || a.tree["entry"] != nil {
		t.Fatal(a.body)
	}
	if a := d.ask("vardcentral", "GET", "/fhir/Task", ""); a.status != 200 || a.tree["entry"] != nil {
		t.Fatalf("%d %s", a.status, a.body) // a person of the same unit
	}
	d.ask("", "GET", "/fhir/Task", "").is(t, "nobody", 401, "login", "")
	d.ask("maria", "GET", "/fhir/Task", "").is(t, "a coach", 403, "forbidden", "")
	d.ask("forening", "POST", "/fhir", bundle(t, "F")).is(t, "an association", 403, "forbidden", "")
	d.ask("reads", "POST", "/fhir", bundle(t, "F")).is(t, "a scope of reading", 403, "forbidden", "")
	d.ask("reads", "GET", "/fhir/ServiceRequest/"+id, "").is(t, "a scope of Tasks", 403, "forbidden", "")
	for _, row := range d.AccessLog.Rows() {
		if row.Who.ID == "machine:other" && len(row.Persons) == 0 {
			t.Error("a row about nobody")
		}
	}
}

func TestAFollowerReadsEveryChangeOnce(t *testing.T) {
	d := open(t)
	var ids []string
	for i := range 23 {
		id, _ := d.sent("journal", bundle(t, fmt.Sprint("R-", i), "entry.0.resource.identifier", absent))
		ids = append(ids, id)
		d.sent("other", bundle(t, fmt.Sprint("O-", i), "entry.0.resource.identifier", absent))
		d.folded()
		d.Clock.Add(time.Second)
	}
	read := func(path string) (all []string, pages int) {
		for path != "" {
			a := d.ask("journal", "GET", path, "")
			if a.status != 200 || strings.Contains(path, "1961") {
				t.Fatalf("%d %s", a.status, a.body)
			}
			entries, _ := a.tree["entry"].([]any)
			for _, e := range entries {
				all = append(all, e.(map[string]any)["resource"].(map[string]any)["id"].(string))
			}
			path = ""
			for _, l := range a.tree["link"].([]any) {
				if l := l.(map[string]any); l["relation"] == "next" {
					path = strings.TrimPrefix(l["url"].(string), "http://example.test")
				}
			}
			pages++
		}
		return all, pages
	}
	if all, pages := read("/fhir/Task?_count=10"); !slices.Equal(all, ids) || pages != 3 {
		t.Fatalf("%d in %d pages", len(all), pages)
	}
	since := "ge" + d.Clock.Now().Format(time.RFC3339)
	d.Clock.Add(time.Second)
	_, tag := ids[3], d.ask("journal", "GET", "/fhir/Task/"+ids[3], "").header.Get("ETag")
	if a := d.ask("journal", "PATCH", "/fhir/Task/"+ids[3], `[{"op":"replace","path":"/status","value":"cancelled"}]`, "Content-Type", mediaPatch, "If-Match", tag); a.status != 200 {
		t.Fatal(a.body)
	}
	for query, want := range map[string]int{
		"_lastUpdated=" + url.QueryEscape(since): 1, "_lastUpdated=" + since: 1, "status=cancelled": 1, "status=cancelled,requested": 23, "status=accepted": 0,
		"_lastUpdated=gt2026-11-23": 0, "_lastUpdated=ge2026-11-23": 23, "_lastUpdated=lt2026-11-23": 0, "_lastUpdated=le2026-11-23": 23, "_lastUpdated=lt" + url.QueryEscape(since[2:]): 22,
		"focus=ServiceRequest/" + ids[5]: 1, "focus=http://example.test/fhir/ServiceRequest/" + ids[5] + "&status=cancelled": 0, "_sort=_lastUpdated&_format=json": 23,
	} {
		if all, _ := read("/fhir/Task?" + query); len(all) != want {
			t.Errorf("%s: %d, want %d", query, len(all), want)
		}
	}
	for _, query := range []string{"x=1", "patient=191212121212", "identifier=a|b", "status=x", "status=requested&status=accepted", "_lastUpdated=2026-11-23", "_lastUpdated=ge", "_lastUpdated=ge1800-01-01",
		"_lastUpdated=eq2026-11-23", "_count=0", "_count=x", "_sort=-status", "_cursor=abc", "focus=", "focus=Patient/1", "focus=a,b", "%zz"} {
		if a := d.ask("journal", "GET", "/fhir/Task?"+query, ""); a.status != 400 || strings.Contains(a.body, "1912") {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

func TestAnothersRecommendationOfThePersonDoesNotMoveOnesOwn(t *testing.T) {
	d := open(t)
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	testenv.Must(d.T, d.svc.Start(ctx, d.Bus))
	order := func(as string) (ids, at []string) {
		t.Helper()
		list, _ := d.ask(as, "GET", "/fhir/Task?_count=50", "").tree["entry"].([]any)
		for _, e := range list {
			r := e.(map[string]any)["resource"].(map[string]any)
			ids, at = append(ids, r["id"].(string)), append(at, r["meta"].(map[string]any)["lastUpdated"].(string))
		}
		return ids, at
	}
	first, _ := d.sent("journal", bundle(t, "first"))
	d.Clock.Add(time.Minute)
	second, _ := d.sent("journal", bundle(t, "second", "entry.0.resource.identifier", absent))
	was, at := order("journal")
	if !slices.Equal(was, []string{first, second}) {
		t.Fatal(was)
	}
	d.Clock.Add(time.Minute)
	if _, err := d.records.Change(d.Ctx(), fromFHIR.Replace(first), func(r *record.Referral, now time.Time) ([]halsocoach.Event, error) {
		r.Taken = &record.Holder{By: "maria", At: now}
		return r.Move(record.Take, now)
	}); err != nil {
		t.Fatal(err)
	}
	d.Clock.Add(time.Minute)
	theirs, _ := d.sent("other", bundle(t, "theirs", "entry.0.resource.meta", absent))
	if a := d.ask("other", "GET", "/fhir/Task/"+theirs, ""); a.tree["status"] != "requested" {
		t.Fatalf("the second sender reads that somebody has taken it: %s", a.body)
	}
	mine, mineAt := order("journal")
	if !slices.Equal(mine, []string{second, first}) || mineAt[0] != at[1] || mineAt[1] <= at[1] {
		t.Fatalf("%v at %v, before at %v", mine, mineAt, at)
	}
	if got, _ := order("other"); !slices.Equal(got, []string{theirs}) {
		t.Fatal(got)
	}
	d.Clock.Add(time.Minute)
	if a := d.ask("other", "GET", "/fhir/Task/"+theirs, ""); a.status != 200 {
		t.Fatal(a.body)
	}
	tag := d.ask("other", "GET", "/fhir/Task/"+theirs, "").header.Get("ETag")
	if a := d.ask("other", "PATCH", "/fhir/Task/"+theirs, `[{"op":"replace","path":"/status","value":"cancelled"}]`, "Content-Type", mediaPatch, "If-Match", tag); a.status != 200 {
		t.Fatal(a.body)
	}
	if again, againAt := order("journal"); !slices.Equal(again, mine) || !slices.Equal(againAt, mineAt) {
		t.Fatalf("another's withdrawal moved it: %v at %v, before %v at %v", again, againAt, mine, mineAt)
	}
	var stored taskEntry
	d.Eventually("the consumer gives each its entry", func() bool {
		var err error
		stored, err = d.svc.entries.Get(d.Ctx(), fromFHIR.Replace(theirs))
		return err == nil && stored.Sender == "machine:other"
	})
}

func TestOnlyFHIRsJSONGoesInAndOut(t *testing.T) {
	d := open(t)
	good := bundle(t, "R-1")
	for _, kind := range []string{"application/fhir+xml", "text/plain", "application/json; charset=latin1", "multipart/form-data", mediaPatch, "x"} {
		d.ask("journal", "POST", "/fhir", good, "Content-Type", kind).is(t, kind, 415, "not-supported", "")
	}
	d.ask("journal", "POST", "/fhir", good, "Content-Encoding", "gzip").is(t, "packed", 415, "not-supported", "")
	d.ask("journal", "PATCH", "/fhir/Task/x", "[]").is(t, "a patch as FHIR", 415, "not-supported", "")
	for _, kind := range []string{"application/fhir+xml", "text/html", "application/json;q=0"} {
		d.ask("journal", "GET", "/fhir/metadata", "", "Accept", kind).is(t, kind, 406, "not-supported", "")
	}
	d.ask("journal", "GET", "/fhir/Task?_format=xml", "").is(t, "_format", 406, "not-supported", "")
	for kind, want := range map[string]string{"": mediaFHIR, "*/*": mediaFHIR, "text/html, application/json;q=0.9": mediaJSON, "application/fhir+json; fhirVersion=4.0": mediaFHIR, "application/json, application/fhir+json": mediaFHIR} {
		if a := d.ask("", "GET", "/fhir/metadata", "", "Accept", kind); a.status != 200 || a.header.Get("Content-Type") != want || a.tree["fhirVersion"] != "4.0.1" || a.tree["kind"] != "instance" {
			t.Errorf("%q: %d %v", kind, a.status, a.header)
		}
	}
	d.ask("journal", "GET", "/fhir/Patient/1", "").is(t, "Patient", 404, "not-found", "")
	d.ask("journal", "DELETE", "/fhir/Task/1", "").is(t, "DELETE", 405, "not-supported", "")
	d.ask("journal", "POST", "/fhir/ServiceRequest/_search", good).is(t, "a search", 405, "not-supported", "")
}

func TestProtectedIdentityComesWithItsLabel(t *testing.T) {
	for name, label := range map[string][2]string{"sekretessmarkering": {systemSecurity, "sekretessmarkering"}, "skyddad": {systemSecurity, "skyddadFolkbokforing"}, "R": {systemConfidential, "R"}} {
		for _, at := range []string{"meta", "entry.0.resource.meta", "entry.1.resource.meta", "entry.2.resource.meta", "entry.3.resource.meta"} {
			d := open(t)
			labels := []any{map[string]any{"system": systemActCode, "code": "DEMO"}, map[string]any{"system": label[0], "code": label[1]}}
			id, _ := d.sent("journal", bundle(t, "R-1", at, map[string]any{"security": labels}))
			items := d.inbox()
			if len(items) != 1 || !items[0].Protected || items[0].Name != "" {
				t.Fatalf("%s at %s: %+v", name, at, items)
			}
			for _, path := range []string{"/fhir/Task/", "/fhir/ServiceRequest/"} {
				if a := d.ask("journal", "GET", path+id, ""); !strings.Contains(a.body, `"code":"sekretessmarkering"`) {
					t.Fatalf("%s: %s", name, a.body)
				}
			}
		}
	}
}

func TestIdsOfOursAreIdsOfFHIR(t *testing.T) {
	for _, id := range []string{"a", "a_b-c.d", "__..__", "._-", "-._"} {
		out := toFHIR.Replace(id)
		if fromFHIR.Replace(out) != id || strings.Contains(out, "_") {
			t.Errorf("%s became %s and %s", id, out, fromFHIR.Replace(out))
		}
	}
}

func TestWhatIsErasedLosesItsEntry(t *testing.T) {
	d := open(t)
	id, _ := d.sent("journal", bundle(t, "R-1"))
	docs, err := d.Store.Get(d.Ctx(), "referrals", fromFHIR.Replace(id))
	if err == nil {
		err = d.Store.Delete(d.Ctx(), "referrals", docs[0].ID, docs[0].Version, nil)
	}
	testenv.Must(d.T, err)
	if a := d.ask("journal", "GET", "/fhir/Task", ""); a.status != 200 || a.tree["entry"] != nil {
		t.Fatal(a.body)
	}
	if left, err := d.Store.Get(d.Ctx(), tasks.Name, fromFHIR.Replace(id)); err != nil || len(left) != 0 {
		t.Fatalf("%d entries, %v", len(left), err)
	}
}
