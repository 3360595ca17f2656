package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/citizen"
	"halsocoach/cmd/halsocoach/demo"
	"halsocoach/coach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

// waitsApp is the program with a clock that is moved by hand.
func waitsApp(t *testing.T) (*app, *testenv.Clock) {
	t.Helper()
	clock := &testenv.Clock{}
	clock.Set(halsocoach.Day("2026-11-02").At(9 * 60))
	h := startFor(t, appConfig{Clock: clock.Now})
	return h, clock
}

// recommended is the n-th person of the test.
type recommended struct {
	*app
	t        *testing.T
	n        int
	referral string
}

func (w *recommended) key(what string) halsocoach.Request {
	return halsocoach.Request{Key: fmt.Sprint(what, w.n)}
}

func (w *recommended) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("person %d: %v", w.n, err)
	}
}

func (w *recommended) send() {
	own, _, err := w.app.sender.Recommend(w.t.Context(), demo.ActorOf("vardcentral"), w.key("recommended"), record.NewReferral{
		Name: fmt.Sprintf("Provperson %c", 'A'+w.n), Phone: "070-174 06 05", Topics: halsocoach.Topics[:1], Centre: "0684", Consent: true,
		Protected: w.n == 3,
	})
	w.must(err)
	w.referral = own.ID
}

func (w *recommended) decided(r inbox.Ruling) {
	_, _, err := w.app.inbox.Decide(w.t.Context(), demo.Coach("0684"), w.key("decided"), w.referral, r)
	w.must(err)
}

// enrolled: what the event of the decision brings about, done at once.
func (w *recommended) enrolled() citizen.Enrolment {
	w.decided(inbox.Ruling{Decision: string(record.Accept)})
	a, err := w.app.records.Accepted(w.t.Context(), w.referral)
	w.must(err)
	e, err := w.citizen.Enrol(w.t.Context(), a)
	w.must(err)
	return e
}

// met: a first talk some days ahead, of which it is said later that it was held.
func (w *recommended) met(ahead int) (held func(coach.Outcome)) {
	maria, e := demo.Coach("0684"), w.enrolled()
	b, _, err := w.coach.Book(w.t.Context(), maria, w.key("booked"), coach.BookRequest{
		Coach: maria.ID, Enrolment: e.ID, Kind: coach.First, Form: coach.ByPhone, Starts: halsocoach.DayOf(w.cfg.Clock()).Plus(ahead).At(8*60 + 90*(w.n%5)),
	})
	w.must(err)
	return func(o coach.Outcome) {
		_, err := w.coach.Mark(w.t.Context(), maria, b.ID, o)
		w.must(err)
	}
}

// checked is what the check says, when it says this and no difference.
func (w *recommended) checked(want string) {
	w.t.Helper()
	var out bytes.Buffer
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		out.Reset()
		if err := w.checkWaits(w.t.Context(), &out); err == nil && strings.Contains(out.String(), want) {
			return
		}
	}
	w.t.Fatalf("not %q:\n%s", want, out.String())
}

// TestThePublishedWaitsAreThoseOfTheDocuments: people are recommended, taken in
// and met through the program's own services, and what follows by events is what
// the raw documents say.
func TestThePublishedWaitsAreThoseOfTheDocuments(t *testing.T) {
	h, clock := waitsApp(t)
	var all []*recommended
	var talks []func(coach.Outcome)
	for n := range 14 {
		w := &recommended{app: h, t: t, n: n}
		all = append(all, w)
		w.send()
		switch n {
		case 0, 1, 2: // nobody has decided
		case 4:
			w.decided(inbox.Ruling{Decision: string(record.Decline), Reason: string(record.Full)})
		case 5:
			w.decided(inbox.Ruling{Decision: string(record.Forward), Centre: "0680"})
		case 6, 7:
			w.enrolled()
		case 8:
			e := w.enrolled()
			w.must(h.citizen.End(t.Context(), demo.Coach("0684"), w.key("ended"), e.ID, "moved"))
		default: // 3 has protected identity
			talks = append(talks, w.met(n))
		}
	}
	w := all[0]
	clock.Set(halsocoach.Day("2026-11-20").At(9 * 60))
	w.checked("0684    too few; 10 wait, median 18")
	for _, held := range talks {
		held(coach.Held)
	}
	w.checked("0684    median 11, p80 12, n 5 in 90 days; 5 wait, median 18")
	talks[1](coach.Missed)
	w.checked("0684    too few; 6 wait, median 18")
	talks[1](coach.Held)
	w.checked("n 5 in 90 days")
	if page := h.send(t, "", http.MethodGet, "/halsocenter", nil).body; !strings.Contains(page, "Hälften får sitt första samtal inom 11 dagar, 8 av 10 inom 12 dagar (senaste 90 dagarna).") {
		t.Fatal(page)
	}
	clock.Set(halsocoach.Day("2027-02-15").At(9 * 60))
	w.checked("median 11, p80 12, n 5 in 180 days; 5 wait, median 105")
	n, err := h.waiting.Rebuild(t.Context(), func(f func(string) error) error {
		return h.store.Each(t.Context(), "referrals", func(d store.Document) error { return f(d.ID) })
	})
	if err != nil || n != 15 {
		t.Fatalf("rebuilt %d: %v", n, err)
	}
	w.checked("median 11, p80 12, n 5 in 180 days; 5 wait, median 105")
}
