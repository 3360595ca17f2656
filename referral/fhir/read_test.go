package fhir

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"halsocoach/internal/store"
)

// none fails if anything was written.
func (d *door) none() {
	d.T.Helper()
	n := 0
	if err := d.Store.Each(d.Ctx(), "referrals", func(store.Document) error { n++; return nil }); err != nil || n > 0 {
		d.T.Fatalf("%d recommendations are there (%v)", n, err)
	}
}

func TestTheTextIsReadStrictly(t *testing.T) {
	d := open(t)
	good := bundle(t, "R-1")
	for name, body := range map[string]string{
		"nothing":             " ",
		"a list":              "[" + good + "]",
		"a text":              `"x"`,
		"cut off":             good[:len(good)/2],
		"something after":     good + "{}",
		"rubbish after":       good + "x",
		"a name twice":        strings.Replace(good, `"type":"transaction"`, `"type":"transaction","type":"batch"`, 1),
		"a name twice within": strings.Replace(good, `"family":`, `"family":"Annan","family":`, 1),
		"a name twice hidden": strings.Replace(good, `"family":`, `"f\u0061mily":"Annan","family":`, 1),
		"not UTF-8":           strings.Replace(good, "Testsson", "Tests\xffson", 1),
		"half a surrogate":    strings.Replace(good, "Testsson", `\ud800`, 1),
		"a comment":           "/* */" + good,
		"a trailing comma":    strings.Replace(good, `"type":"transaction"`, `"type":"transaction",`, 1) + ",",
		"NaN":                 strings.Replace(good, `"type":"transaction"`, `"type":"transaction","total":NaN`, 1),
	} {
		d.ask("journal", "POST", "/fhir", body).is(t, name, 400, "structure", "")
	}
	deep := strings.Repeat(`{"extension":[`, 5000) + strings.Repeat("]}", 5000)
	d.ask("journal", "POST", "/fhir", deep).is(t, "deep", 400, "too-costly", "")
	huge := strings.Replace(good, "Ring helst", strings.Repeat("a", 5<<20), 1)
	d.ask("journal", "POST", "/fhir", huge).is(t, "5 MB of note", 422, "value", "Bundle.entry[1].resource.note[0].text")
	many := `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.TrimSuffix(strings.Repeat(`{"fullUrl":"urn:x:1","resource":{}},`, 130_000), ",") + "]}"
	d.ask("journal", "POST", "/fhir", many).is(t, "5 MB of entries", 422, "too-costly", "Bundle.entry")
	d.none()
}

// wrong is one field that is wrong.
type wrong struct {
	path   string // in the Bundle
	value  any
	code   string
	where  string // "" = any place
	status int    // 0 = 422
}

func TestEachFieldOfEachResourceWrongInTurn(t *testing.T) {
	const p, s, c, k = "entry.0.resource.", "entry.1.resource.", "entry.2.resource.", "entry.3.resource."
	const P, S, C, K = "Bundle.entry[0].resource", "Bundle.entry[1].resource", "Bundle.entry[2].resource", "Bundle.entry[3].resource"
	number := func(system, value string) any {
		return []any{map[string]any{"system": system, "value": value}}
	}
	security := []any{map[string]any{"system": "x", "code": "y"}}
	d := open(t)
	for _, w := range []wrong{
		{"resourceType", "Basic", "invalid", "resourceType", 0}, {"resourceType", absent, "required", "resourceType", 400},
		{"type", "batch", "not-supported", "Bundle.type", 0}, {"type", "x", "code-invalid", "Bundle.type", 400}, {"type", absent, "not-supported", "Bundle.type", 0},
		{"entry", absent, "required", "Bundle.entry", 0}, {"entry", []any{}, "required", "Bundle.entry", 0}, {"entry", "x", "structure", "Bundle.entry", 400},
		{"implicitRules", "http://x", "extension", "implicitRules", 0},
		{"entry.0.fullUrl", absent, "invalid", "Bundle.entry[0].fullUrl", 0}, {"entry.0.fullUrl", "x", "invalid", "Bundle.entry[0].fullUrl", 0},
		{"entry.1.fullUrl", "urn:uuid:6f1e1f0a-5f0e-4f5e-9d0a-0d7c5f5b1a01", "invalid", "Bundle.entry[1].fullUrl", 0},
		{"entry.0.request", absent, "required", "Bundle.entry[0].request", 0}, {"entry.0.request.method", "PUT", "not-supported", "Bundle.entry[0].request.method", 0},
		{"entry.0.request.method", "X", "code-invalid", "", 400}, {"entry.0.request.url", "Patient/1", "invalid", "Bundle.entry[0].request.url", 0},
		{"entry.2.request.ifNoneExist", "x=y", "not-supported", "Bundle.entry[2].request.ifNoneExist", 0}, {"entry.1.request.ifNoneExist", "identifier=x|y", "not-supported", "Bundle.entry[1].request.ifNoneExist", 0},
		{"entry.0.resource", absent, "structure", P, 400}, {"entry.0.resource", "x", "structure", P, 400},
		{"entry.3", map[string]any{"fullUrl": "urn:x:9", "resource": map[string]any{"resourceType": "Patient"}, "request": map[string]any{"method": "POST", "url": "Patient"}}, "invariant", K, 0},
		{"entry.3", map[string]any{"fullUrl": "urn:x:9", "resource": map[string]any{"resourceType": "Observation"}, "request": map[string]any{"method": "POST", "url": "Observation"}}, "not-supported", K + ".resourceType", 0},

		{p + "resourceType", absent, "required", P + ".resourceType", 400},
		{p + "modifierExtension", []any{map[string]any{"url": "x"}}, "extension", "", 0},
		{p + "meta.security", security, "code-invalid", P + ".meta.security[0]", 0},
		{p + "identifier", number("http://x", "1"), "not-supported", P + ".identifier[0].system", 0}, {p + "identifier", "x", "structure", P + ".identifier", 400},
		{p + "identifier", number(systemPersonnummer, "196101182804"), "value", P + ".identifier[0].value", 0},  // Luhn
		{p + "identifier", number(systemPersonnummer, "196101002803"), "value", P + ".identifier[0].value", 0},  // day 00
		{p + "identifier", number(systemSamordning, "197010602391"), "value", P + ".identifier[0].value", 0},    // day 60
		{p + "identifier", number(systemPersonnummer, "202701012389"), "value", P + ".identifier[0].value", 0},  // not born
		{p + "identifier", number(systemPersonnummer, "196102302803"), "value", P + ".identifier[0].value", 0},  // 30 February
		{p + "identifier", number(systemPersonnummer, "610118-2803"), "value", P + ".identifier[0].value", 0},   // ten digits
		{p + "identifier", number(systemPersonnummer, "19610118-2803"), "value", P + ".identifier[0].value", 0}, // with dash
		{p + "identifier", number(systemPersonnummer, "19610118T803"), "value", P + ".identifier[0].value", 0},  // interim
		{p + "identifier", number(systemPersonnummer, ""), "value", P + ".identifier[0].value", 0},              // none
		{p + "identifier", number(systemPersonnummer, "197010632391"), "value", P + ".identifier[0].system", 0}, // the other kind
		{p + "identifier", number(systemSamordning, "196101182803"), "value", P + ".identifier[0].system", 0},   // the other kind
		{p + "identifier", append(number(systemPersonnummer, "196101182803").([]any), number(systemSamordning, "197010632391").([]any)...), "invariant", P + ".identifier[1]", 0},
		{p + "birthDate", "2027-01-01", "value", P + ".birthDate", 0}, {p + "birthDate", "61-01-18", "value", P + ".birthDate", 0}, {p + "birthDate", "1961-02-30", "value", P + ".birthDate", 0},
		{p + "birthDate", "1", "value", P + ".birthDate", 0}, {p + "birthDate", "1962", "invariant", P + ".birthDate", 0}, {p + "birthDate", 1961, "structure", P + ".birthDate", 400},
		{p + "name", absent, "required", P + ".name", 0}, {p + "name", []any{}, "required", P + ".name", 0}, {p + "name", "Test", "structure", P + ".name", 400},
		{p + "name", []any{map[string]any{"text": strings.Repeat("å", 121)}}, "value", P + ".name[0].text", 0},
		{p + "telecom", absent, "required", P + ".telecom", 0}, {p + "telecom.0.system", "fax", "not-supported", P + ".telecom[0].system", 0}, {p + "telecom.0.system", "x", "code-invalid", "", 400},
		{p + "telecom.0.system", absent, "required", P + ".telecom[0].system", 0}, {p + "telecom.0.value", "ring mig", "value", P + ".telecom[0].value", 0}, {p + "telecom.0.value", absent, "required", P + ".telecom[0].value", 0},
		{p + "telecom.1.value", "test", "value", P + ".telecom[1].value", 0}, {p + "telecom.0.period", map[string]any{"end": "nyss"}, "value", P + ".telecom[0].period.end", 0},
		{p + "active", false, "business-rule", P + ".active", 0}, {p + "active", "ja", "structure", P + ".active", 400},
		{p + "deceasedBoolean", true, "business-rule", P + ".deceased", 0}, {p + "deceasedDateTime", "2026-01-01", "business-rule", P + ".deceased", 0},
		{p + "gender", "x", "code-invalid", "", 400}, {p + "link", []any{map[string]any{"other": map[string]any{}, "type": "replaced-by"}}, "not-supported", P + ".link", 0},
		{p + "address.0.district", "0180", "code-invalid", P + ".address[0].district", 0}, {p + "address.0.district", "Ankeborg", "code-invalid", P + ".address[0].district", 0},
		{p + "communication.0.language", map[string]any{"text": "finska"}, "code-invalid", P + ".communication[0].language", 0},
		{p + "communication.0.language.coding.0.code", "finska språket", "value", P + ".communication[0].language", 0},
		{p + "extension.0.valueBoolean", absent, "value", P + ".extension[0]", 0},

		{s + "status", "draft", "business-rule", S + ".status", 0}, {s + "status", absent, "business-rule", S + ".status", 0}, {s + "status", "x", "code-invalid", S + ".status", 400}, {s + "status", nil, "code-invalid", "", 400},
		{s + "intent", "plan", "business-rule", S + ".intent", 0}, {s + "intent", absent, "business-rule", S + ".intent", 0},
		{s + "doNotPerform", true, "business-rule", S + ".doNotPerform", 0}, {s + "priority", "stat", "not-supported", S + ".priority", 0},
		{s + "reasonReference", []any{map[string]any{"reference": "Condition/1"}}, "business-rule", S + ".reasonReference", 0},
		{s + "subject", absent, "invalid", S + ".subject.reference", 0}, {s + "subject.reference", "Patient/1", "invalid", S + ".subject.reference", 0},
		{s + "authoredOn", "i går", "value", S + ".authoredOn", 0}, {s + "authoredOn", "2027-01-01", "value", S + ".authoredOn", 0},
		{s + "identifier", absent, "required", S + ".identifier", 0}, {s + "identifier.0.type", absent, "required", S + ".identifier", 0}, {s + "identifier.0.type.coding.0.code", "FILL", "required", S + ".identifier", 0},
		{s + "identifier.0.system", absent, "value", S + ".identifier[0].system", 0}, {s + "identifier.0.system", "journal", "value", S + ".identifier[0].system", 0}, {s + "identifier.0.system", "urn:a|b", "value", S + ".identifier[0].system", 0},
		{s + "identifier.0.value", absent, "value", S + ".identifier[0].value", 0}, {s + "identifier.0.value", " x ", "value", S + ".identifier[0].value", 0}, {s + "identifier.0.value", strings.Repeat("x", 201), "value", S + ".identifier[0]", 0},
		{s + "identifier.0.value", "19610118-2803", "value", S + ".identifier[0]", 0}, {s + "identifier.0.value", "R/6101182803", "value", S + ".identifier[0]", 0}, {s + "identifier.0.value", "191212121212", "value", S + ".identifier[0]", 0}, // who it is, or another
		{s + "identifier.0.system", "https://journal.example/patient/196101182803", "value", S + ".identifier[0]", 0}, {s + "identifier.0.system", "https://journal.example/p?nr=610118%2D2803", "value", S + ".identifier[0]", 0},
		{s + "requester.identifier.system", "x", "value", S + ".requester.identifier", 0}, {s + "requester.identifier.value", "Karin", "value", S + ".requester.identifier", 0},
		{s + "performer", absent, "required", S + ".performer", 0}, {s + "performer.0", map[string]any{"display": "Sävsjö"}, "value", S + ".performer[0]", 0},
		{s + "performer.0.identifier.value", "9999", "value", S + ".performer[0]", 0}, {s + "performer.0.identifier.system", "x", "value", S + ".performer[0]", 0}, {s + "performer.0.type", "Practitioner", "value", S + ".performer[0]", 0},
		{s + "performer.0.identifier.value", "0680", "value", S + ".performer[0]", 0}, // takes in its own kommun's only
		{s + "performer", []any{map[string]any{}, map[string]any{}}, "required", S + ".performer", 0},
		{s + "reasonCode", absent, "required", S + ".reasonCode", 0}, {s + "reasonCode.0", map[string]any{"text": "fysisk aktivitet"}, "code-invalid", S + ".reasonCode[0]", 0},
		{s + "reasonCode.0.coding.0.code", "rökning", "code-invalid", S + ".reasonCode[0]", 0}, {s + "reasonCode.0.coding.0.system", "http://snomed.info/sct", "code-invalid", S + ".reasonCode[0]", 0},
		{s + "reasonCode", make([]map[string]any, 50), "too-costly", S + ".reasonCode", 0},
		{s + "supportingInfo", absent, "required", S + ".supportingInfo", 0}, {s + "supportingInfo.0.reference", "Consent/1", "invalid", S + ".supportingInfo[0].reference", 0},
		{s + "supportingInfo", []any{map[string]any{}, map[string]any{}}, "business-rule", S + ".supportingInfo", 0},
		{s + "note.0.text", absent, "required", S + ".note[0].text", 0}, {s + "note.0.text", strings.Repeat("x", 2001), "value", S + ".note[0].text", 0}, {s + "note.1.text", strings.Repeat("x", 2001), "value", S + ".note[1].text", 0},
		{s + "note.1.authorReference.reference", "Practitioner/1", "invalid", S + ".note[1].authorReference", 0}, {s + "patientInstruction", "x", "not-supported", S + ".patientInstruction", 0},
		{s + "meta.security", security, "code-invalid", S + ".meta.security[0]", 0}, {c + "meta.security", security, "code-invalid", C + ".meta.security[0]", 0}, {k + "meta.security", security, "code-invalid", K + ".meta.security[0]", 0},
		{"meta.security", security, "code-invalid", "Bundle.meta.security[0]", 0},
		{p + "contained", []any{map[string]any{"resourceType": "Organization", "meta": map[string]any{"security": security}}}, "code-invalid", P + ".contained[0].meta.security[0]", 0},

		{c + "status", "proposed", "business-rule", C + ".status", 0}, {c + "status", "rejected", "business-rule", C + ".status", 0}, {c + "status", "inactive", "business-rule", C + ".status", 0},
		{c + "status", "entered-in-error", "business-rule", C + ".status", 0}, {c + "status", absent, "business-rule", C + ".status", 0}, {c + "status", "x", "code-invalid", C + ".status", 400},
		{c + "scope", absent, "code-invalid", C + ".scope", 0}, {c + "scope.coding.0.code", "research", "code-invalid", C + ".scope", 0}, {c + "category", absent, "required", C + ".category", 0},
		{c + "patient", absent, "invalid", C + ".patient.reference", 0}, {c + "patient.reference", "Patient/2", "invalid", C + ".patient.reference", 0},
		{c + "dateTime", absent, "required", C + ".dateTime", 0}, {c + "dateTime", "2026", "value", C + ".dateTime", 0}, {c + "dateTime", "2026-13-01", "value", C + ".dateTime", 0},
		{c + "dateTime", "2026-11-24", "value", C + ".dateTime", 0}, {c + "dateTime", "2025-11-01", "value", C + ".dateTime", 0}, {c + "dateTime", 20261123, "structure", C + ".dateTime", 400},
		{c + "provision.type", "deny", "business-rule", C + ".provision.type", 0}, {c + "provision.period", map[string]any{"end": "2026-11-22"}, "business-rule", C + ".provision.period.end", 0},
		{c + "provision.period", map[string]any{"start": "2026-11-24"}, "business-rule", C + ".provision.period.start", 0}, {c + "provision.period", map[string]any{"start": "2027-06"}, "business-rule", C + ".provision.period.start", 0},
		{c + "provision.period", map[string]any{"end": "2025"}, "business-rule", C + ".provision.period.end", 0}, {c + "provision.period", map[string]any{"end": "2026-11-23T08:00:00+01:00"}, "business-rule", C + ".provision.period.end", 0},
		{c + "provision.period", map[string]any{"start": "i dag"}, "value", C + ".provision.period.start", 0}, {c + "provision.period", map[string]any{"end": "2026-02-30"}, "value", C + ".provision.period.end", 0},
		{c + "provision.code.0.coding.0.code", "all", "code-invalid", C + ".provision.code[0]", 0}, {c + "provision.provision", []any{map[string]any{}}, "not-supported", C + ".provision.provision", 0},

		{k + "status", "draft", "business-rule", K + ".status", 0}, {k + "status", "accepted", "business-rule", K + ".status", 0}, {k + "status", absent, "business-rule", K + ".status", 0}, {k + "status", "x", "code-invalid", K + ".status", 400},
		{k + "intent", "plan", "value", K + ".intent", 0}, {k + "intent", absent, "value", K + ".intent", 0}, {k + "code", absent, "code-invalid", K + ".code", 0}, {k + "code.coding.0.code", "abort", "code-invalid", K + ".code", 0},
		{k + "focus", absent, "invalid", K + ".focus.reference", 0}, {k + "focus.reference", "ServiceRequest/1", "invalid", K + ".focus.reference", 0}, {k + "for.reference", "Patient/1", "invalid", K + ".for.reference", 0},
	} {
		t.Run(fmt.Sprintf("%s=%.30v", w.path, w.value), func(t *testing.T) {
			if w.status == 0 {
				w.status = 422
			}
			a := d.ask("journal", "POST", "/fhir", bundle(t, "R-1", w.path, w.value))
			a.is(t, "the fault", w.status, w.code, w.where)
			if strings.Contains(a.body, "19610118") || strings.Contains(a.body, "Testsson") {
				t.Errorf("what was sent is said again: %s", a.body)
			}
		})
	}
	odd := strings.Replace(contained(t, "R-1"), `"resourceType":"Consent"`, `"resourceType":"Consent","meta":{"security":[{"system":"x","code":"y"}]}`, 1)
	d.ask("journal", "POST", "/fhir/ServiceRequest", odd).is(t, "a label inside", 422, "code-invalid", "ServiceRequest.contained[1].meta.security[0]")
	for i, name := range []string{"Patient", "ServiceRequest", "Consent"} {
		entries := tree(t)["entry"].([]any)
		rest := append(append([]any{}, entries[:i]...), entries[i+1:]...)
		d.ask("journal", "POST", "/fhir", bundle(t, "R-1", "entry.0", entries[0], "entry", rest)).is(t, "without "+name, 422, "required", "Bundle.entry")
	}
	d.none()
	if id, _ := d.sent("journal", bundle(t, "R-1", "entry", tree(t)["entry"].([]any)[:3])); id == "" {
		t.Error("a Task is there without being sent")
	}
}

func TestSeveralFaultsAreSaidAtOnce(t *testing.T) {
	d := open(t)
	a := d.ask("journal", "POST", "/fhir", bundle(t, "R-1", "entry.0.resource.birthDate", "2030", "entry.1.resource.status", "draft", "entry.2.resource.dateTime", absent, "entry.3.resource.intent", "plan"))
	if issues, _ := a.tree["issue"].([]any); a.status != 422 || len(issues) != 4 {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

// FuzzBundle reads whatever is sent: it ends, in a fault with a place and words or
// in a wish that names its sender's identifier. Run it with -fuzzminimizetime 1x:
// else the time goes to making what was found shorter.
func FuzzBundle(f *testing.F) {
	good, err := os.ReadFile("testdata/bundle.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(contained(f, "R-1")))
	for _, s := range []string{"{}", "[]", `{"resourceType":"Bundle","type":"transaction","entry":[{}]}`, `{"resourceType":"Bundle","entry":[{"resource":null}]}`} {
		f.Add([]byte(s))
	}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		read := func(o order, err error) {
			var r request
			if err == nil {
				r, err = o.validate(now)
			}
			if err == nil {
				if r.asked.Placer == "" || !r.asked.Consent || r.asked.ConsentOn == "" || r.asked.Centre == "" {
					t.Fatalf("asked without what it needs: %+v", r.asked)
				}
				_, _ = r.asked.Validate(journal, now)
				return
			}
			fault, ok := err.(*Fault)
			if !ok || fault.Status < 400 || fault.Status > 499 || len(fault.Issues) == 0 {
				t.Fatalf("%T %v", err, err)
			}
			for _, i := range fault.Issues {
				if i.Text == "" || i.Code.Code() == "<unknown>" {
					t.Fatalf("a fault without words: %+v", i)
				}
			}
		}
		read(readBundle(body))
		read(readRequest(body, "identifier=a|b"))
		_, _ = readUpdate(body, "x")
		_, _ = readPatch(body)
	})
}
