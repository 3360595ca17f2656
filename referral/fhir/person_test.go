package fhir

import (
	"fmt"
	"halsocoach/internal/testenv"
	"testing"

	"halsocoach/referral/inbox"
)

// words are what somebody new who is sent in a Bundle with these changes said.
func (d *door) words(placer string, changes ...any) inbox.Words {
	d.T.Helper()
	id, _ := d.sent("journal", bundle(d.T, placer, append(changes, "entry.0.resource.identifier", absent)...))
	detail, err := d.coach.Open(d.Ctx(), d.People.Maria, fromFHIR.Replace(id))
	testenv.Must(d.T, err)
	return detail.Words[0]
}

// has is an element of a Patient, its fields as name and value in turn.
func has(fields ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(fields); i += 2 {
		out[fields[i].(string)] = fields[i+1]
	}
	return out
}

func TestAPersonIsReachedByWhatHoldsNow(t *testing.T) {
	d := open(t)
	phone := func(number string, more ...any) any {
		return has(append([]any{"system", "phone", "value", number}, more...)...)
	}
	for name, x := range map[string]struct {
		telecom []any
		want    string
	}{
		"the first of two alike":              {[]any{phone("070-174 06 05"), phone("070-174 06 06")}, "070-174 06 05"},
		"not an old one":                      {[]any{phone("070-174 06 05", "use", "old"), phone("070-174 06 06")}, "070-174 06 06"},
		"not an old one that is ranked":       {[]any{phone("070-174 06 05", "use", "old", "rank", 1), phone("070-174 06 06", "rank", 2)}, "070-174 06 06"},
		"not one whose day has passed":        {[]any{phone("070-174 06 05", "use", "temp", "period", has("end", "2026-11-22")), phone("070-174 06 06")}, "070-174 06 06"},
		"not one whose year has passed":       {[]any{phone("070-174 06 05", "period", has("end", "2025")), phone("070-174 06 06")}, "070-174 06 06"},
		"not one that has just ended":         {[]any{phone("070-174 06 05", "period", has("end", "2026-11-23T08:59:00+01:00")), phone("070-174 06 06")}, "070-174 06 06"},
		"not one that is to come":             {[]any{phone("070-174 06 05", "period", has("start", "2026-12")), phone("070-174 06 06")}, "070-174 06 06"},
		"one that ends today":                 {[]any{phone("070-174 06 05", "period", has("start", "2019", "end", "2026-11-23")), phone("070-174 06 06")}, "070-174 06 05"},
		"one that begins within the hour":     {[]any{phone("070-174 06 05", "period", has("start", "2026-11-23T11:00:00+01:00")), phone("070-174 06 06")}, "070-174 06 05"},
		"rank before mobile":                  {[]any{phone("070-174 06 05", "use", "mobile"), phone("0382-15 00 00", "use", "home", "rank", 2), phone("0382-15 00 01", "rank", 1)}, "0382-15 00 01"},
		"mobile before home":                  {[]any{phone("0382-15 00 00", "use", "home"), phone("070-174 06 05", "use", "mobile")}, "070-174 06 05"},
		"mobile before home of the same rank": {[]any{phone("0382-15 00 00", "use", "home", "rank", 1), phone("070-174 06 05", "use", "mobile", "rank", 1)}, "070-174 06 05"},
		"an old fax is nobody's concern":      {[]any{has("system", "fax", "use", "old", "value", "0382-15 00 09"), phone("070-174 06 05")}, "070-174 06 05"},
	} {
		if got := d.words(name, "entry.0.resource.telecom", x.telecom).Phone; got != x.want {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
	mail := []any{has("system", "email", "value", "old@example.se", "use", "old"), has("system", "email", "value", "second@example.se", "rank", 2), has("system", "email", "value", "first@example.se", "rank", 1)}
	if w := d.words("mail", "entry.0.resource.telecom", mail); w.Email != "first@example.se" || w.Phone != "" {
		t.Errorf("%+v", w)
	}
	d = open(t)
	d.ask("journal", "POST", "/fhir", bundle(t, "R-1", "entry.0.resource.telecom", []any{phone("070-174 06 05", "use", "old"), phone("070-174 06 06", "period", has("end", "2019-01-01"))})).
		is(t, "only what has ended", 422, "required", "Bundle.entry[0].resource.telecom")
	d.none()
}

func TestAPersonIsCalledByTheNameThatHoldsNow(t *testing.T) {
	d := open(t)
	called := func(family string, more ...any) any {
		return has(append([]any{"given", []any{"Test"}, "family", family}, more...)...)
	}
	for name, x := range map[string]struct {
		names []any
		want  string
	}{
		"the first of two alike":  {[]any{called("Ett"), called("Två")}, "Test Ett"},
		"official before usual":   {[]any{called("Ett", "use", "usual"), called("Två", "use", "official")}, "Test Två"},
		"usual before no use":     {[]any{called("Ett"), called("Två", "use", "usual")}, "Test Två"},
		"no use before nickname":  {[]any{has("text", "Testan", "use", "nickname"), called("Två")}, "Test Två"},
		"temporary if nothing":    {[]any{called("Ett", "use", "old"), called("Två", "use", "temp", "period", has("end", "2027"))}, "Test Två"},
		"not an old one":          {[]any{called("Ett", "use", "old"), called("Två")}, "Test Två"},
		"not a maiden name":       {[]any{called("Ett", "use", "maiden"), called("Två")}, "Test Två"},
		"not a made-up one":       {[]any{called("Ett", "use", "anonymous"), called("Två")}, "Test Två"},
		"not an ended official":   {[]any{called("Ett", "use", "official", "period", has("end", "2026-05")), called("Två")}, "Test Två"},
		"not one that is to come": {[]any{called("Ett", "use", "official", "period", has("start", "2026-11-24")), called("Två")}, "Test Två"},
		"not one without a word":  {[]any{has("use", "official"), has("text", "Test Två")}, "Test Två"},
	} {
		if got := d.words(name, "entry.0.resource.name", x.names).Name; got != x.want {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
	d = open(t)
	for _, use := range []string{"old", "maiden", "anonymous"} {
		d.ask("journal", "POST", "/fhir", bundle(t, "R-1", "entry.0.resource.name", []any{called("Ett", "use", use)})).is(t, use, 422, "required", "Bundle.entry[0].resource.name")
	}
	d.none()
}

func TestAPersonLivesWhereTheAddressHoldsNow(t *testing.T) {
	d := open(t)
	d.sent("journal", bundle(t, "R-1", "entry.0.resource.address", []any{has("use", "old", "district", "0180"), has("period", has("end", "2020"), "district", "0180"), has("district", "Sävsjö")}))
	d.ask("journal", "POST", "/fhir", bundle(t, "R-2", "entry.0.resource.address", []any{has("use", "old", "district", "0684"), has("district", "0180")})).
		is(t, "outside", 422, "code-invalid", "Bundle.entry[0].resource.address[1].district")
}

func TestAConsentThatHoldsTodayIsTaken(t *testing.T) {
	for i, period := range []map[string]any{has("start", "2026-11-23", "end", "2026-11-23"), has("start", "2026", "end", "2026"), has("start", "2026-11-23T12:00:00+01:00")} {
		open(t).sent("journal", bundle(t, fmt.Sprint("R-", i), "entry.2.resource.provision.period", period))
	}
}

func TestAnIdentifierWithManyDigitsIsTakenWhenItTellsNobody(t *testing.T) {
	for _, x := range [][2]string{
		{"urn:oid:2.25.305871629387461298374651928374019283", "R-1"}, {"urn:oid:1.2.752.129.2.1.4.196", "2026112300017"}, {"https://journal.example/1234567890123456/v2", "6101182811"},
		{"urn:uuid:6f1e1f0a-5f0e-4f5e-9d0a-0d7c5f5b1a01", "6f1e1f0a-5f0e-4f5e-9d0a-0d7c5f5b1a02"}, {"urn:journal:x", "50%"},
	} {
		if a := open(t).ask("journal", "POST", "/fhir", bundle(t, x[1], "entry.1.resource.identifier.0.system", x[0])); a.status != 200 {
			t.Errorf("%v: %d %s", x, a.status, a.body)
		}
	}
	d := open(t)
	for _, x := range [][2]string{
		{"https://journal.example/196101182803", "R-1"}, {"https://journal.example/p?nr=610118%2D2803", "R-1"}, {"urn:oid:1.2.752.129.2.1.3.1.196101182803", "R-1"}, {"https://journal.example/19610118", "2803"},
		{"https://journal.example/19121212-1212/x", "R-1"}, {"urn:personnummer:191212121212", "R-1"}, {"https://journal.example/x", "R/121212+1212"},
	} {
		a := d.ask("journal", "POST", "/fhir", bundle(t, x[1], "entry.1.resource.identifier.0.system", x[0]))
		a.is(t, x[0]+" "+x[1], 422, "value", "Bundle.entry[1].resource.identifier[0]")
		d.none()
	}
}
