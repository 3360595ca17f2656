package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"halsocoach"
)

// TestTheStory: a nurse recommends Elsa, Maria takes her in, Elsa books the free
// first talk, writes to Maria and takes the walking group's last place; the
// region and the kommun see four numbers move.
func TestTheStory(t *testing.T) {
	for _, width := range []int{Phone, Wide} {
		t.Run(fmt.Sprintf("%d px", width), func(t *testing.T) { story(t, filled(t, monday), width) })
	}
}

// story is told in a demo that is filled, with what env adds to its environment.
func story(t *testing.T, dir string, width int, env ...string) {
	d := StartOn(t, dir, monday, env...)
	before := d.numbers(t)
	visitor(t, d, width)
	recommend(t, d, width)
	takeIn(t, d, width)
	talk := firstTalk(t, d, width)
	write(t, d, width)
	walk := lastPlace(t, d, width)
	d.Stop()

	later := walk
	if talk.After(later) {
		later = talk
	}
	d = StartOn(t, dir, later.Add(3*time.Hour).In(halsocoach.Stockholm()).Format("2006-01-02 15:04"), env...)
	t.Logf("ready again in %.2f s", d.Ready.Seconds())
	hold(t, d, width, talk)
	attend(t, d, width, walk)
	numbersMove(t, d, width, before)
}

func visitor(t *testing.T, d *Demo, width int) {
	v := d.Browse(t, "visitor", width)
	v.Open("/")
	v.Good("01-start")
	v.Open("/logga-in")
	v.Good("02-sign-in")
	v.Open("/tillganglighet")
	v.Good("03-statement")
	v.Open("/finns-inte")
	v.See("hittar inte")
	v.Good("04-not-found")
}

func recommend(t *testing.T, d *Demo, width int) {
	n := d.Browse(t, "vardcentral", width)
	n.SignIn("vardcentral")
	n.Good("10-recommend")
	n.Fill("name", "Elsa Berg")
	n.Fill("personnummer", "20030202-2388") // the last digit is wrong
	n.Fill("phone", "070-174 06 05")
	n.Tick("topics", "fysisk aktivitet")
	n.Tick("topics", "sömn")
	n.PressText("Kontrollera uppgifterna")
	n.See("något att rätta till")
	n.Good("11-recommend-wrong")
	if got := js[string](n, "read the name", `document.querySelector('main [name="name"]').value`); got != "Elsa Berg" {
		t.Errorf("the answers are lost: the name is %q", got)
	}
	n.Fill("personnummer", "20030202-2389")
	n.Tick("consent", "ja")
	n.PressText("Kontrollera uppgifterna")
	n.See("Inget är skickat än")
	n.PressText("Skicka rekommendationen")
	n.See("nu tar vi över")
	n.Good("12-recommended")
	if strings.Contains(n.Path(), "2389") {
		t.Error("the number is in the address")
	}
	n.Open("/rekommendationer")
	n.See("Elsa Berg")
	n.Good("13-sent")
}

func takeIn(t *testing.T, d *Demo, width int) {
	m := d.Browse(t, "maria", width)
	m.SignIn("maria")
	m.Good("20-desk")
	m.Open("/inkorg")
	m.See("Elsa Berg")
	m.Good("21-inbox")
	m.PressText("Elsa Berg")
	m.Good("22-referral")
	m.PressText("Ta emot")
	m.See("Personen är din")
	m.Good("23-taken-in")
	m.PressText("Öppna personens sida")
	for js[bool](m, "is it made", `document.body.innerText.includes("snart klar")`) {
		time.Sleep(200 * time.Millisecond)
		m.PressText("Försök igen")
	}
	m.See("Elsa Berg")
	m.Good("24-person")
	m.Open("/invanare")
	m.Good("25-caseload")
	m.Open("/kalender")
	m.Good("26-calendar")
	m.Open("/mina-grupper")
	m.Good("27-groups")
	m.Open("/mina-grupper/ny")
	m.Good("28-new-group")
}

// firstTalk books the first free time and says when it is.
func firstTalk(t *testing.T, d *Demo, width int) time.Time {
	e := d.Browse(t, "elsa", width)
	e.SignIn("elsa")
	e.Eventually("/min-halsa", "Välj en tid")
	e.Good("30-home")
	e.PressText("Välj en tid")
	e.Good("31-times")
	value := js[string](e, "choose a time", `(() => { const r = document.querySelector('main input[type=radio]'); r.click(); return r.value })()`)
	e.PressText("Boka")
	e.See("Maria Holm")
	e.Good("32-booked")
	e.Open("/min-halsa")
	e.Good("33-home-with-talk")
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune("|, ", r) }) {
		if at, err := time.Parse(time.RFC3339, part); err == nil {
			return at
		}
	}
	t.Fatalf("no time in %q", value)
	return time.Time{}
}

func write(t *testing.T, d *Demo, width int) {
	e, m := d.Browse(t, "elsa", width), d.Browse(t, "maria", width)
	e.SignIn("elsa")
	e.Open("/chatt")
	e.See("112")
	e.Good("40-chat")
	e.Fill("text", "Hej Maria! Jag undrar vad jag ska ha på mig på tisdag.")
	e.Send()
	e.See("Jag undrar vad jag ska ha på mig")
	m.SignIn("maria")
	m.Open("/chatt")
	m.See("Elsa Berg")
	m.Good("41-conversations")
	m.PressText("Elsa Berg")
	m.See("Jag undrar vad jag ska ha på mig")
	m.Fill("text", "Hej Elsa! Bekväma skor räcker.")
	m.Send()
	e.See("Bekväma skor räcker") // by itself, over the socket
	e.Good("42-answered")
	m.Good("43-coach-chat")
	// The same page without scripts: a form.
	quiet := d.Browse(t, "elsa-without-scripts", width)
	quiet.SignIn("elsa")
	quiet.NoScript()
	quiet.Open(e.Path())
	quiet.Fill("text", "Tack, då vet jag!")
	quiet.Send()
	quiet.See("Tack, då vet jag!")
	m.See("Tack, då vet jag!")
}

// lastPlace takes the walking group's last place and says when it walks.
func lastPlace(t *testing.T, d *Demo, width int) time.Time {
	var walk occasion
	begins, _ := time.ParseInLocation("2006-01-02 15:04", monday, halsocoach.Stockholm())
	for _, o := range d.occasions(t, "0684", begins) {
		if o.title == "Promenadgruppen" && o.Capacity-o.Booked == 1 {
			walk = o
		}
	}
	if walk.ID == "" {
		t.Fatal("no walking group has one place left")
	}
	e, o := d.Browse(t, "elsa", width), d.Browse(t, "omar", width)
	e.SignIn("elsa")
	e.Open("/gruppaktiviteter?kommun=0684")
	e.See("Promenadgruppen")
	e.Good("50-programme")
	o.SignIn("omar")
	o.Open("/tillfallen/" + walk.ID)
	o.Good("51-one-left")
	e.Open("/tillfallen/" + walk.ID)
	e.PressText("Boka plats")
	e.See("Du har en plats")
	e.Good("52-place")
	o.PressText("Boka plats") // his page is stale by now
	o.See("fullbokat")
	o.See("reservlista")
	o.Good("53-full")
	o.PressText("Ställ mig på reservlistan")
	o.Good("54-reserve")
	e.Open("/min-halsa")
	e.See("Promenadgruppen")
	e.Good("55-home-with-group")
	return walk.Starts
}

// hold: the talk has been, and Maria says so.
func hold(t *testing.T, d *Demo, width int, talk time.Time) {
	m := d.Browse(t, "maria", width)
	m.SignIn("maria")
	m.Good("60-desk-after")
	m.Open("/kalender?vecka=" + string(halsocoach.DayOf(talk)))
	m.PressText("Elsa Berg")
	m.PressText("Samtalet hölls")
	m.Good("61-held")
}

// attend: the group has walked, and Maria notes who came.
func attend(t *testing.T, d *Demo, width int, walk time.Time) {
	m := d.Browse(t, "maria", width)
	m.SignIn("maria")
	id := ""
	for _, o := range d.occasions(t, "0684", walk) {
		if o.title == "Promenadgruppen" && o.Starts.Equal(walk) {
			id = o.ID
		}
	}
	m.Open("/mina-grupper/tillfallen/" + id)
	m.See("Elsa Berg")
	m.Good("62-roster")
	n := js[int](m, "note all as come", `(() => { const all = [...document.querySelectorAll('main select')].filter(s => [...s.options].some(o => o.value === "came"));
	  all.forEach(s => { s.value = "came" }); return all.length })()`)
	if n == 0 {
		t.Fatal("there is nobody to note")
	}
	m.PressText("Spara närvaron")
	m.Good("63-noted")
}

// numbers are November's counts in Sävsjö by kind, as the region may see them.
func (d *Demo) numbers(t *testing.T) map[string]int {
	t.Helper()
	region := d.MustAs("region")
	var got struct {
		Cells []map[string]any `json:"cells"`
	}
	status, body, err := region.Call(t.Context(), http.MethodGet, "/api/v1/counts?from=2026-11&to=2026-11&by=month,kommun,kind", "", nil, &got)
	if err != nil || status != 200 {
		t.Fatalf("counts: %d %v %s", status, err, body)
	}
	n := map[string]int{}
	for _, c := range got.Cells {
		if v, ok := c["n"].(float64); ok && c["kommun"] == "0684" {
			n[c["kind"].(string)] = int(v)
		}
	}
	return n
}

func numbersMove(t *testing.T, d *Demo, width int, before map[string]int) {
	var after map[string]int
	for began := time.Now(); time.Since(began) < patience; time.Sleep(200 * time.Millisecond) {
		after = d.numbers(t)
		if after[halsocoach.CountAttendance] > before[halsocoach.CountAttendance] && after[halsocoach.CountFirstTalk] > before[halsocoach.CountFirstTalk] {
			break
		}
	}
	for _, kind := range []string{halsocoach.CountReferral, halsocoach.CountFirstTalk, halsocoach.CountChat, halsocoach.CountAttendance} {
		t.Logf("%s in Sävsjö, November: %d before, %d after", kind, before[kind], after[kind])
		if before[kind] == 0 || after[kind] <= before[kind] {
			t.Errorf("%s did not move: %d before, %d after", kind, before[kind], after[kind])
		}
	}
	for _, who := range []string{"region", "kommun"} {
		b := d.Browse(t, who, width)
		b.SignIn(who)
		b.Open("/statistik?from=2026-11&to=2026-11")
		b.See(fmt.Sprint(after[halsocoach.CountAttendance]))
		b.Good("70-counts")
		for i, path := range []string{"/register", "/personal", "/installningar"} {
			b.Open(path)
			b.Good(fmt.Sprintf("7%d-admin", i+1))
		}
	}
}
