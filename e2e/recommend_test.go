package e2e

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chromedp/chromedp"
)

// TestRecommending: a nurse sends with the keyboard alone, an association sends,
// two come on their own, one of them without a sign-in; the sender sees how it
// goes and nothing else.
func TestRecommending(t *testing.T) {
	d := Start(t, monday)
	for i, width := range []int{Phone, Wide} {
		t.Run(fmt.Sprintf("%d px", width), func(t *testing.T) {
			if i == 0 {
				nurseByKeyboard(t, d, width)
			}
			associationSends(t, d, width)
			ownContact(t, d, width, []string{"elsa", "omar"}[i])
			callMe(t, d, width)
			senderFollows(t, d, width)
		})
	}
}

// keyboard counts the keys that a person presses, and the pages they see.
type keyboard struct {
	*Browser
	keys, pages int
}

// press sends one key.
func (k *keyboard) press(key string) {
	k.t.Helper()
	k.keys++
	k.do("press a key", chromedp.KeyEvent(key))
}

// write types a text where the focus is.
func (k *keyboard) write(text string) {
	k.t.Helper()
	k.keys += utf8.RuneCountInString(text)
	k.do("write", chromedp.KeyEvent(text))
}

// tabTo presses Tab until the focus is on what the expression finds of it.
func (k *keyboard) tabTo(what, expression string) {
	k.t.Helper()
	for range 60 {
		if js[bool](k.Browser, what, `(() => { const e = document.activeElement; return !!e && (`+expression+`) })()`) {
			return
		}
		k.press("\t")
	}
	k.fault("Tab never comes to %s", what)
}

func (k *keyboard) field(name string) { k.tabTo(name, fmt.Sprintf(`e.name === %q`, name)) }

// enter presses Enter and waits for the page that follows.
func (k *keyboard) enter(says string) {
	k.t.Helper()
	k.press("\r")
	k.See(says)
	k.pages++
}

// nurseByKeyboard: three pages and at most 120 keys, Tab and Enter counted, from
// the page on which a nurse lands to the receipt.
func nurseByKeyboard(t *testing.T, d *Demo, width int) {
	b := d.Browse(t, "vardcentral", width)
	b.SignIn("vardcentral")
	b.See("Hälsocenter Sävsjö, väntan")
	k := &keyboard{Browser: b, pages: 1}
	k.field("name")
	k.write("Elsa Berg")
	k.field("personnummer")
	k.write("200302022389")
	k.field("phone")
	k.write("0701740605")
	k.tabTo("sleep", `e.name === "topics" && e.value === "sömn"`)
	k.press(" ")
	k.tabTo("exercise", `e.name === "topics" && e.value === "fysisk aktivitet"`)
	k.press(" ")
	k.field("consent")
	k.press(" ")
	k.enter("Inget är skickat än") // Enter in the form sends it
	b.See("Hälften får sitt första samtal inom")
	b.Good("14-check")
	if strings.Contains(js[string](b, "where", `location.href`), "2389") || strings.Contains(b.Path(), "Elsa") {
		t.Error("something personal is in the address")
	}
	k.tabTo("the button", `e.name === "do" && e.value === "skicka"`)
	k.enter("nu tar vi över")
	t.Logf("a recommendation takes %d pages and %d keys", k.pages, k.keys)
	if k.pages > 3 || k.keys > 120 {
		t.Errorf("%d pages and %d keys; at most 3 and 120", k.pages, k.keys)
	}
	b.Good("15-receipt")
}

func associationSends(t *testing.T, d *Demo, width int) {
	b := d.Browse(t, "forening", width)
	b.SignIn("forening")
	b.See("Vem, vad och ett ja")
	if b.Says("Personnummer") {
		t.Error("an association is asked for a number")
	}
	b.Good("16-association")
	b.Fill("name", fmt.Sprint("Bo Ek ", width))
	b.Fill("phone", "070-174 06 09")
	b.Tick("topics", "kultur och fritid")
	b.Tick("consent", "ja")
	b.PressText("Kontrollera uppgifterna")
	b.See("Inget är skickat än")
	b.PressText("Ändra uppgifterna")
	if got := js[string](b, "read the phone", `document.querySelector('main [name="phone"]').value`); got != "070-174 06 09" {
		t.Errorf("the answers are lost: %q", got)
	}
	b.PressText("Kontrollera uppgifterna")
	b.PressText("Skicka rekommendationen")
	b.See("nu tar vi över")
	b.PressText("Mina rekommendationer")
	b.See(fmt.Sprint("Bo Ek ", width))
	b.Good("17-sent")
}

// ownContact: the form is filled in without a sign-in, and is still there after
// it.
func ownContact(t *testing.T, d *Demo, width int, persona string) {
	b := d.Browse(t, persona, width)
	b.Open("/ta-kontakt?kommun=0662")
	b.See("Hälsocenter Gislaved")
	b.See("på distans")
	b.Good("80-choose")
	b.PressText("Hälsocenter Gislaved")
	b.Good("81-contact")
	b.Tick("topics", "mat")
	b.Fill("wants", "Laga mat oftare")
	b.Fill("name", "Namn Namnsson")
	b.Fill("phone", "070-174 06 11")
	b.PressText("Skicka till Hälsocenter")
	b.See("logga in")
	b.Press(fmt.Sprintf(`form[action^="/demo/sign-in"]:has(input[name="persona"][value=%q]) button`, persona))
	b.See("Vad vill du ha stöd med?")
	if got := js[string](b, "read the wish", `document.querySelector('main [name="wants"]').value`); got != "Laga mat oftare" {
		t.Errorf("the answers are lost: %q", got)
	}
	b.PressText("Skicka till Hälsocenter")
	b.See("Du tog kontakt själv")
	b.See("hör av sig senast")
	b.Good("82-mine")
	unfolded(b, "aterkalla")
	b.See("Ingen hör av sig till dig")
}

// callMe: a name and a number, and a coach writes down the rest.
func callMe(t *testing.T, d *Demo, width int) {
	b, name := d.Browse(t, "visitor", width), fmt.Sprint("Siv Dal ", width)
	b.Open("/ta-kontakt/0684")
	b.PressText("Ring mig")
	b.Good("83-call")
	b.Fill("name", name)
	b.Fill("phone", "070-174 06 13")
	b.PressText("Ring mig")
	b.See("vi ringer dig")
	b.Good("84-thanks")
	m := d.Browse(t, "maria", width)
	m.SignIn("maria")
	m.Open("/inkorg")
	m.PressText(name)
	m.PressText("Skriv in vad personen vill")
	m.Good("85-complete")
	m.Tick("topics", "mat")
	m.Tick("consent", "ja")
	m.PressText("Spara")
	m.See("Nu kan du ta emot personen")
	m.PressText("Ta emot")
	m.See("Personen är din")
}

// senderFollows: what Maria does is seen by the nurse, who calls back one and
// says of another that it was a mistake.
func senderFollows(t *testing.T, d *Demo, width int) {
	n, name := d.Browse(t, "vardcentral", width), fmt.Sprint("Ulf Rask ", width)
	n.SignIn("vardcentral")
	at := sendsOne(n, name)
	m := d.Browse(t, "maria", width)
	m.SignIn("maria")
	m.Open("/inkorg")
	m.PressText(name)
	m.PressText("Ta emot")
	m.See("Personen är din")
	n.Open(at)
	n.See("Antagen")
	if n.Says("Maria") {
		t.Error("the sender sees who the coach is")
	}
	unfolded(n, "misstag")
	n.See("Skickad av misstag")
	n.Good("18-mistake")
	m.Eventually("/invanare", "Rekommenderad av misstag")
	n.Open(sendsOne(n, name+" b"))
	unfolded(n, "aterkalla")
	n.See("Ingen hör av sig till personen")
	n.Good("19-called-back")
}

// sendsOne recommends somebody without a number, and says where the receipt is.
func sendsOne(n *Browser, name string) string {
	n.Open("/rekommendera")
	n.Fill("name", name)
	n.Fill("phone", "070-174 06 15")
	n.Tick("topics", "mat")
	n.Tick("consent", "ja")
	n.PressText("Kontrollera uppgifterna")
	n.PressText("Skicka rekommendationen")
	n.See("nu tar vi över")
	return n.Path()
}

// unfolded opens what is folded away and presses the button in it.
func unfolded(b *Browser, word string) {
	b.t.Helper()
	form := fmt.Sprintf(`details form[action$="/%s"]`, word)
	js[bool](b, "unfold "+word, fmt.Sprintf(`(() => { document.querySelector(%q).closest("details").open = true; return true })()`, form))
	b.Press(form + " button")
}
