package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestInbox: a coach takes, gives back, forwards, declines after a letter, accepts
// with a first talk, and says that two are one person; the sender sees how it
// goes; whom a protected identity hides is hidden.
func TestInbox(t *testing.T) {
	d := Start(t, monday)
	for _, width := range []int{Phone, Wide} {
		t.Run(fmt.Sprintf("%d px", width), func(t *testing.T) {
			n, m := d.Browse(t, "vardcentral", width), d.Browse(t, "maria", width)
			n.SignIn("vardcentral")
			m.SignIn("maria")
			coachTakes(t, n, m, width)
			coachWrites(n, m, width)
			coachForwards(n, m, width)
			coachJoins(t, n, m, width)
			coachSeesNoName(t, n, m, width)
		})
	}
	k := d.Browse(t, "kommun", Phone)
	k.SignIn("kommun")
	k.Open("/rekommendationer-i-vantan")
	k.See("har väntat mer än 14 dagar")
	k.Good("99-forgotten")
}

// coachTakes: Maria takes it, gives it back, and accepts it with a first talk that
// the nurse's page follows.
func coachTakes(t *testing.T, n, m *Browser, width int) {
	name := fmt.Sprint("Tora Lund ", width)
	at := sendsOne(n, name)
	m.Open("/inkorg")
	if tabs := js[int](m, "count the rows of tabs", `new Set([...document.querySelectorAll('.tabs li')].map(e => Math.round(e.getBoundingClientRect().top))).size`); tabs != 1 {
		t.Errorf("the tabs fill %d rows", tabs)
	}
	m.Good("90-inbox")
	m.PressText(name)
	m.PressText("Jag tar den")
	m.See("Du tog hand om den")
	m.Good("91-taken")
	n.Open(at)
	n.See("Hos en hälsocoach")
	m.Open("/inkorg?vem=mina")
	m.PressText(name)
	m.PressText("Lämna tillbaka den")
	m.See("Ingen har tagit den än")
	m.PressText("Ta emot och boka första samtalet")
	m.See("Dina lediga tider")
	m.Good("92-book")
	js[bool](m, "choose a time", `(() => { const all = document.querySelectorAll('main input[type=radio]'); all[all.length - 1].click(); return true })()`)
	m.PressText("Boka samtalet")
	m.See("Personen är din")
	m.Good("93-booked")
	n.Eventually(strings.TrimPrefix(at, ""), "Påbörjad")
}

// coachWrites: three attempts, a letter, and no.
func coachWrites(n, m *Browser, width int) {
	name := fmt.Sprint("Ivar Strand ", width)
	at := sendsOne(n, name)
	m.Open("/inkorg")
	m.PressText(name)
	for range 3 {
		js[bool](m, "unfold the attempt", `(() => { document.querySelector('details:has(form[action$="/forsok"])').open = true; return true })()`)
		m.Tick("how", "phone")
		m.Tick("went", "not_reached")
		m.PressText("Spara försöket")
		m.See("Försöket är antecknat")
	}
	m.Good("94-stuck")
	m.PressText("Skriv ut brevet")
	m.See("Hej " + name)
	m.Good("95-letter")
	m.PressText("Jag har skickat brevet")
	m.PressText("Tacka nej: vi får inte kontakt")
	m.See("Vi får inte kontakt med personen")
	n.Open(at)
	n.See("Avvisad")
}

// coachForwards: the nurse sees that it went on.
func coachForwards(n, m *Browser, width int) {
	name := fmt.Sprint("Saga Holm ", width)
	at := sendsOne(n, name)
	m.Open("/inkorg")
	m.PressText(name)
	js[bool](m, "choose a centre", `(() => { const s = document.querySelector('select[name="centre"]'); s.closest('details').open = true; s.value = '0680'; return true })()`)
	m.Press(`details:has(select[name="centre"]) button`)
	m.See("Den ligger nu hos Hälsocenter Jönköping")
	n.Open(at)
	n.See("Vidaresänd")
}

// coachJoins: somebody comes twice, and is one person afterwards; then two again.
func coachJoins(t *testing.T, n, m *Browser, width int) {
	name := fmt.Sprint("Alva Nord ", width)
	first, second := sendsOne(n, name), sendsOne(n, name)
	at := "/inkorg/" + second[strings.LastIndex(second, "/")+1:]
	m.Eventually(at+"/samma-person", "Samma namn, och samma telefon eller e-post")
	m.Open(at)
	m.PressText("Se om det är samma person")
	m.Good("96-same")
	m.Tick("other", first[strings.LastIndex(first, "/")+1:])
	m.Tick("sure", "ja")
	m.PressText("Slå ihop till en person")
	m.See("De är nu en och samma person")
	m.Good("97-one")
	m.PressText("Se vad som gjordes, eller ångra")
	m.PressText("Ångra: det är två personer")
	m.See("De är två personer igen")
	for _, path := range []string{first, second} {
		n.Open(path)
		if !n.Says("Mottagen") && !n.Says("Hos en hälsocoach") {
			t.Errorf("the sender no longer sees %s", path)
		}
	}
}

// coachSeesNoName: until she has taken the person in.
func coachSeesNoName(t *testing.T, n, m *Browser, width int) {
	name := fmt.Sprint("Hemlig Person ", width)
	n.Open("/rekommendera")
	n.Fill("name", name)
	n.Fill("phone", "070-174 06 15")
	n.Tick("topics", "mat")
	n.Tick("consent", "ja")
	js[bool](n, "say that it is protected", `(() => { const e = document.querySelector('main [name="protected"]'); for (let d = e.closest('details'); d; d = d.parentElement.closest('details')) d.open = true; if (!e.checked) e.click(); return true })()`)
	n.PressText("Kontrollera uppgifterna")
	n.PressText("Skicka rekommendationen")
	n.See("nu tar vi över")
	at := "/inkorg/" + n.Path()[strings.LastIndex(n.Path(), "/")+1:]
	m.Open(at)
	m.See("Person med skyddade personuppgifter")
	if m.Says("Hemlig") || m.Says("174 06 15") {
		t.Error("the coach sees who it is before she has taken the person in")
	}
	m.Good("98-protected")
	m.PressText("Ta emot")
	m.See("Personen är din")
	m.See(name)
}
