package fhir

import (
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

// theirs is the recommendation of the same person by somebody of the care centre,
// to a centre.
func (d *door) theirs(centre string) record.SenderView {
	d.T.Helper()
	w := record.NewReferral{Personnummer: "196101182803", Name: "Test Testsson", Phone: "070-174 06 05", Topics: []halsocoach.Topic{"mat"}, Centre: centre, Consent: true}
	own, _, err := d.sender.Recommend(d.Ctx(), d.People.Vardcentral, halsocoach.Request{Key: "theirs"}, w)
	testenv.Must(d.T, err)
	return own
}

// found are the ids of a search, by as.
func (d *door) found(as, path string) (ids []string) {
	d.T.Helper()
	entries, _ := d.ask(as, "GET", path, "").tree["entry"].([]any)
	for _, e := range entries {
		ids = append(ids, e.(map[string]any)["resource"].(map[string]any)["id"].(string))
	}
	return ids
}

func TestAForwardedRequestIsWhereItCameLast(t *testing.T) {
	d := open(t)
	d.Start(t)
	d.theirs("0680") // waits there since before
	d.Clock.Add(4 * 24 * time.Hour)
	id, _ := d.sent("journal", bundle(t, "R-1"))
	d.Clock.Add(time.Hour)
	decide := func(who halsocoach.Actor, key, id string, r inbox.Ruling) {
		t.Helper()
		testenv.Must(t, testenv.ErrOf(d.coach.Decide(d.Ctx(), who, halsocoach.Request{Key: key}, id, r)))
	}
	stands := func(status, centre string) {
		t.Helper()
		r := d.ask("journal", "GET", "/fhir/ServiceRequest/"+id, "")
		at := r.tree["performer"].([]any)[0].(map[string]any)["identifier"].(map[string]any)["value"]
		if r.tree["status"] != status || at != centre {
			t.Fatalf("%v at %v, want %s at %s", r.tree["status"], at, status, centre)
		}
	}
	stands("active", "0684")
	decide(d.People.Maria, "f", d.inbox()[0].ID, inbox.Ruling{Decision: "forward", Centre: "0680"})
	d.Eventually("it has come", func() bool { return len(d.found("journal", "/fhir/Task?focus=ServiceRequest/"+id)) == 2 })
	stands("active", "0680")
	waiting, _, err := d.coach.Inbox(d.Ctx(), d.People.Johan, "", "", "")
	if err != nil || len(waiting) != 1 {
		t.Fatal(waiting, err)
	}
	decide(d.People.Johan, "n", waiting[0].ID, inbox.Ruling{Decision: "decline", Reason: "full"})
	stands("revoked", "0680")
}

func TestOneClientRecommendsThePersonOnceWhileItWaits(t *testing.T) {
	d := open(t)
	d.sent("journal", bundle(t, "R-0"))
	d.ask("journal", "POST", "/fhir", bundle(t, "R-1")).is(t, "one more", 409, "business-rule", "Bundle.entry[1].resource.identifier[0]")
	if again := d.ask("journal", "POST", "/fhir", bundle(t, "R-0")); again.status != 200 {
		t.Fatalf("what was sent before is still known: %d %s", again.status, again.body)
	}
	d.sent("journal", bundle(t, "R-another", "entry.0.resource.identifier", absent)) // about somebody else
	d.sent("other", bundle(t, "R-1"))
}
