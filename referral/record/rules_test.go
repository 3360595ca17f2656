package record_test

import (
	"errors"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral/record"
)

// nurse sends.
var nurse = halsocoach.Actor{ID: "nurse", Role: halsocoach.RoleCareCentre}

func wish() record.NewReferral {
	return record.NewReferral{Personnummer: testenv.ElsasNumber, Name: "Elsa Berg", Phone: "070-123 45 67", Topics: []halsocoach.Topic{"sömn", "mat"}, Centre: "0684", Consent: true}
}

func fieldsOf(err error) map[string]string {
	out := map[string]string{}
	var e *halsocoach.Error
	if errors.As(err, &e) {
		for _, f := range e.Fields {
			out[f.Name] = f.Text
		}
	}
	return out
}

func TestEachWrongAnswerHasItsOwnWords(t *testing.T) {
	for _, c := range []struct {
		name, field, says string
		change            func(*record.NewReferral)
	}{
		{"number too short", "personnummer", "10 eller 12 siffror", func(w *record.NewReferral) { w.Personnummer = "200302" }},
		{"number with letters", "personnummer", "10 eller 12 siffror", func(w *record.NewReferral) { w.Personnummer = "20030202abcd" }},
		{"number on a day that is none", "personnummer", "Datumet", func(w *record.NewReferral) { w.Personnummer = "200302302389" }},
		{"number of tomorrow", "personnummer", "Datumet", func(w *record.NewReferral) { w.Personnummer = "202702022389" }},
		{"number with a wrong last digit", "personnummer", "sista siffra", func(w *record.NewReferral) { w.Personnummer = "200302022388" }},
		{"number with serial 000", "personnummer", "000", func(w *record.NewReferral) { w.Personnummer = "200302020003" }},
		{"no name", "name", "heter", func(w *record.NewReferral) { w.Name = "" }},
		{"long name", "name", "120", func(w *record.NewReferral) { w.Name = strings.Repeat("å", 121) }},
		{"no way to reach", "phone", "telefonnummer eller en e-postadress", func(w *record.NewReferral) { w.Phone = "" }},
		{"phone with words", "phone", "går inte att läsa", func(w *record.NewReferral) { w.Phone = "ring mig" }},
		{"phone too short", "phone", "går inte att läsa", func(w *record.NewReferral) { w.Phone = "12345" }},
		{"email without domain", "email", "namn@exempel.se", func(w *record.NewReferral) { w.Email = "elsa@berg" }},
		{"email with a name", "email", "namn@exempel.se", func(w *record.NewReferral) { w.Email = "Elsa <elsa@berg.se>" }},
		{"no topic", "topics", "minst ett", func(w *record.NewReferral) { w.Topics = nil }},
		{"unknown topic", "topics", "i listan", func(w *record.NewReferral) { w.Topics = []halsocoach.Topic{"vila"} }},
		{"no centre", "centre", "vilket Hälsocenter", func(w *record.NewReferral) { w.Centre = "" }},
		{"no consent", "consent", "Fråga personen", func(w *record.NewReferral) { w.Consent = false }},
		{"unknown kommun", "kommun", "länets kommuner", func(w *record.NewReferral) { w.Kommun = "0180" }},
		{"a yes tomorrow", "consentOn", "framåt", func(w *record.NewReferral) { w.ConsentOn = "2026-11-24" }},
		{"a yes long ago", "consentOn", "mer än ett år", func(w *record.NewReferral) { w.ConsentOn = "2025-11-20" }},
		{"a yes on no day", "consentOn", "Välj den dag", func(w *record.NewReferral) { w.ConsentOn = "2026-02-30" }},
		{"unknown scope", "consentScope", "får se", func(w *record.NewReferral) { w.Scope = "everything" }},
		{"no language", "language", "språk", func(w *record.NewReferral) { w.Language = "svenska <b>" }},
		{"long wish", "wants", "2 000", func(w *record.NewReferral) { w.Wants = strings.Repeat("ö", 2001) }},
		{"long identifier", "placer", "200", func(w *record.NewReferral) { w.Placer = strings.Repeat("1", 201) }},
		{"long note", "note", "2 000", func(w *record.NewReferral) { w.Note = strings.Repeat("ö", 2001) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := wish()
			c.change(&w)
			_, err := w.Validate(nurse, testenv.Morning())
			got := fieldsOf(err)
			if len(got) != 1 || !strings.Contains(got[c.field], c.says) {
				t.Fatalf("got %v, want %s to say %q", got, c.field, c.says)
			}
		})
	}
	testenv.Must(t, testenv.ErrOf(wish().Validate(nurse, testenv.Morning())))
}

func TestAllWrongAnswersComeTogether(t *testing.T) {
	_, err := record.NewReferral{Personnummer: "1", Note: strings.Repeat("x", 3000)}.Validate(nurse, testenv.Morning())
	got := fieldsOf(err)
	for _, name := range []string{"name", "personnummer", "phone", "topics", "centre", "consent", "note"} {
		if got[name] == "" {
			t.Errorf("%s is not among %v", name, got)
		}
	}
}

func FuzzNewReferral(f *testing.F) {
	f.Add("200302022389", "Elsa", "070-1234567", "elsa@berg.se")
	f.Add("", "", "+46 (0)70/123", "@")
	f.Add("000000-0000", "\x00", "--------", "a@b.c\n")
	f.Fuzz(func(t *testing.T, number, name, phone, email string) {
		w := wish()
		w.Personnummer, w.Name, w.Phone, w.Email = number, name, phone, email
		n, err := w.Validate(nurse, testenv.Morning())
		if err == nil && number != "" && n.IsZero() {
			t.Fatal("a number was passed over")
		}
		if err == nil && strings.ContainsAny(email, "\r\n") {
			t.Fatal("an email with a line break passed")
		}
	})
}
