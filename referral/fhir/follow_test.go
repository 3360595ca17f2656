package fhir

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/referral"
)

// theirs is the recommendation of the same person by somebody of the care centre,
// to a centre.
func (d *door) theirs(centre string) referral.Own {
	d.T.Helper()
	w := referral.Wish{Personnummer: "196101182803", Name: "Test Testsson", Phone: "070-174 06 05", Topics: []halsocoach.Topic{"mat"}, Centre: centre, Consent: true}
	own, _, err := d.referrals.Recommend(d.Ctx(), d.People.Vardcentral, halsocoach.Request{Key: "theirs"}, w)
	if err != nil {
		d.T.Fatal(err)
	}
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
	decide := func(who halsocoach.Actor, key, id string, r referral.Ruling) {
		t.Helper()
		if _, _, err := d.referrals.Decide(d.Ctx(), who, halsocoach.Request{Key: key}, id, r); err != nil {
			t.Fatal(err)
		}
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
	decide(d.People.Maria, "f", d.inbox()[0].ID, referral.Ruling{Decision: "forward", Centre: "0680"})
	d.Eventually("it has come", func() bool { return len(d.found("journal", "/fhir/Task?focus=ServiceRequest/"+id)) == 2 })
	stands("active", "0680")
	waiting, _, err := d.referrals.Inbox(d.Ctx(), d.People.Johan, "", "", "")
	if err != nil || len(waiting) != 1 {
		t.Fatal(waiting, err)
	}
	decide(d.People.Johan, "n", waiting[0].ID, referral.Ruling{Decision: "decline", Reason: "full"})
	stands("revoked", "0680")
}

// slow is a store that answers for one document what it was before it was taken
// away, as often as asks says.
type slow struct {
	store.Store
	was  store.Document
	asks *int
}

func (s slow) Get(ctx context.Context, kind string, ids ...string) ([]store.Document, error) {
	if kind == "referrals" && slices.Equal(ids, []string{s.was.ID}) && *s.asks > 0 {
		*s.asks--
		return []store.Document{s.was}, nil
	}
	return s.Store.Get(ctx, kind, ids...)
}

// joined sends a recommendation that becomes part of another's, and gives its id
// and what it was.
func (d *door) joined() (id string, was store.Document, into string) {
	d.T.Helper()
	id, _ = d.sent("journal", bundle(d.T, "R-1", "entry.0.resource.identifier", absent))
	own := fromFHIR.Replace(id)
	into = d.theirs("0684").ID
	d.folded()
	docs, err := d.Store.Get(d.Ctx(), "referrals", own)
	if err != nil || len(docs) != 1 {
		d.T.Fatal(docs, err)
	}
	doc, version, err := d.referrals.Kept(d.Ctx(), own)
	if err == nil {
		err = d.referrals.Remove(d.Ctx(), doc, version)
	}
	if err != nil {
		d.T.Fatal(err)
	}
	d.Clock.Add(time.Second)
	_, err = d.referrals.Change(d.Ctx(), into, func(r *referral.Referral, _ time.Time) ([]halsocoach.Event, error) {
		x := doc.Sendings[0]
		x.Name, x.Phone, x.Email, x.Note, x.Wants = nil, nil, nil, nil, nil // sealed for another
		r.Sendings = append(r.Sendings, x)
		return nil, nil
	})
	if err != nil {
		d.T.Fatal(err)
	}
	return id, docs[0], into
}

func TestWhatANodeReadBeforeAMergeDoesNotWin(t *testing.T) {
	d := open(t)
	id, was, into := d.joined()
	if got := d.found("journal", "/fhir/Task"); !slices.Equal(got, []string{id}) {
		t.Fatal(got)
	}
	once := 1
	cfg := d.referrals.Config
	cfg.Store = slow{d.Store, was, &once}
	late := New(Config{Store: d.Store, Referrals: referral.New(cfg), Clock: d.Clock.Now, PublicURL: "http://example.test"})
	if err := late.fold(d.Ctx(), was.ID); err != nil || once != 0 {
		t.Fatal(err, once)
	}
	p, err := d.svc.places.Get(d.Ctx(), was.ID)
	if err != nil || p.Within != into {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestATaskWhosePlaceIsWrongIsFoundAndGetsItsPlace(t *testing.T) {
	d := open(t)
	first, _ := d.sent("journal", bundle(t, "R-0", "entry.0.resource.identifier", absent))
	d.Clock.Add(time.Second)
	id, was, into := d.joined()
	d.folded()
	d.Clock.Add(time.Second)
	last, _ := d.sent("journal", bundle(t, "R-2", "entry.0.resource.identifier", absent))
	want := []string{first, id, last}
	if _, err := d.svc.places.Update(d.Ctx(), was.ID, func(p *place) ([]halsocoach.Event, error) { p.Within = "gone"; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		items, _, err := d.svc.Tasks(d.Ctx(), journal, search{count: 50})
		var got []string
		for _, x := range items {
			got = append(got, toFHIR.Replace(x.ID))
		}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v %v, want %v", got, err, want)
		}
		if p, err := d.svc.places.Get(d.Ctx(), was.ID); err != nil || p.Within != into {
			t.Fatalf("%+v %v", p, err)
		}
	}
}

func TestAPlaceGoesWithThePerson(t *testing.T) {
	d := open(t)
	d.sent("journal", bundle(t, "R-1"))
	d.folded()
	id := d.inbox()[0].ID
	if _, err := d.referrals.Change(d.Ctx(), id, func(r *referral.Referral, now time.Time) ([]halsocoach.Event, error) {
		r.Person = d.People.Elsa.ID
		return []halsocoach.Event{halsocoach.Happened(referral.EventChanged, now, "0684", id, nil)}, nil
	}); err != nil {
		t.Fatal(err)
	}
	d.folded()
	if p, err := d.svc.places.Get(d.Ctx(), id); err != nil || p.Person != d.People.Elsa.ID {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestOneClientDoesNotRecommendThePersonWithoutEnd(t *testing.T) {
	d := open(t)
	var refused answer
	n := 0
	for ; n < 50; n++ {
		if refused = d.ask("journal", "POST", "/fhir", bundle(t, fmt.Sprint("R-", n))); refused.status != 200 {
			break
		}
	}
	refused.is(t, "one more", 409, "business-rule", "Bundle.entry[1].resource.identifier[0]")
	if n == 0 || n == 50 {
		t.Fatal(n)
	}
	if again := d.ask("journal", "POST", "/fhir", bundle(t, "R-0")); again.status != 200 {
		t.Fatalf("what was sent before is still known: %d %s", again.status, again.body)
	}
	d.sent("journal", bundle(t, "R-another", "entry.0.resource.identifier", absent)) // about somebody else
	d.sent("other", bundle(t, "R-1"))
}
