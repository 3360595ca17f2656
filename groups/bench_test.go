package groups_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/groups"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

// BenchmarkBookings sets bookings over HTTP, by 64 callers over 200 dates, beside
// bare saves of the same store: 64 savers of documents of 1 kB, each with an event.
// The two take turns; what is reported is the median.
func BenchmarkBookings(b *testing.B) {
	const callers, dates, rounds = 64, 200, 5
	h := newHouse(b, store.Kind{Name: "bench", NoPerson: true})
	occasions := h.manyDates(dates)
	app := h.app()
	address := serve(b, app.Web.Fiber())
	each := max(b.N/rounds/callers, 40)
	var ratios, cpu, rates []float64
	b.ResetTimer()
	for round := range rounds {
		bare := h.perSecond(callers, each, func(c int) func(i int) error {
			body, _ := json.Marshal(map[string]string{"text": string(make([]byte, 160))})
			return func(i int) error {
				id := fmt.Sprintf("%d-%d-%d", round, c, i)
				_, err := h.Store.Save(h.Ctx(), "bench", store.Document{ID: id, Body: body}, []halsocoach.Event{halsocoach.Happened("bench.saved", h.Clock.Now(), "0684", id, nil)})
				return err
			}
		})
		people := h.crowd(callers * each)
		for _, p := range people {
			app.As(p).Get("/healthz") // the app knows the session from here on
		}
		var next atomic.Int64
		booked := h.perSecond(callers, each, func(int) func(int) error {
			conn, err := net.Dial("tcp", address)
			testenv.Must(b, err)
			b.Cleanup(func() { _ = conn.Close() })
			answers := bufio.NewReader(conn)
			return func(int) error {
				n := int(next.Add(1)) - 1
				return bookOver(conn, answers, occasions[n%dates], people[n].ID)
			}
		})
		ratios, cpu, rates = append(ratios, booked.perSecond/bare.perSecond), append(cpu, booked.cpu/bare.cpu), append(rates, booked.perSecond)
	}
	slices.Sort(ratios)
	slices.Sort(cpu)
	slices.Sort(rates)
	b.ReportMetric(ratios[rounds/2], "of_bare_saves")
	b.ReportMetric(cpu[rounds/2], "of_its_cpu")
	b.ReportMetric(rates[rounds/2], "bookings/s")
}

// rate is how often something was done a second, and the processor time of one in
// microseconds, of both ends and of what follows in the background.
type rate struct{ perSecond, cpu float64 }

// perSecond runs do each times for every caller at once.
func (h *house) perSecond(callers, each int, caller func(c int) func(i int) error) rate {
	h.T.Helper()
	var all sync.WaitGroup
	h.Eventually("nothing waits to be published", func() bool { p, err := h.Store.Pending(h.Ctx(), 1); return err == nil && len(p) == 0 })
	do := make([]func(int) error, callers)
	for c := range do {
		do[c] = caller(c)
	}
	began, cpu := time.Now(), cpuTime()
	for c := range do {
		all.Go(func() {
			for i := range each {
				if err := do[c](i); err != nil {
					h.T.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	n := float64(callers * each)
	return rate{perSecond: n / time.Since(began).Seconds(), cpu: float64((cpuTime() - cpu).Microseconds()) / n}
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bookOver books by JSON over a kept connection.
func bookOver(conn net.Conn, answers *bufio.Reader, occasion, person string) error {
	_, err := fmt.Fprintf(conn, "POST /api/v1/occasions/%s/bookings HTTP/1.1\r\nHost: example.test\r\nContent-Type: application/json\r\nAccept: application/json\r\n"+
		"X-Test-Actor: session-%s\r\nAuthorization: Bearer session-%s\r\nIdempotency-Key: %s\r\nContent-Length: 17\r\n\r\n{\"reserve\":false}", occasion, person, person, halsocoach.NewID())
	if err != nil {
		return err
	}
	r, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusCreated {
		err = fmt.Errorf("%d %s", r.StatusCode, body)
	}
	return err
}

// manyDates publishes so many dates with room for everybody.
func (h *house) manyDates(n int) (ids []string) {
	h.T.Helper()
	week := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}
	for start := 8 * 60; len(ids) < n; start += 90 {
		p := walking(groups.MaxPlaces)
		p.Leader, p.LedBy = "", "Friluftsföreningen"
		p.Dates = groups.Dates{Weekdays: week, From: "2026-11-24", To: "2027-01-20", Start: start, Length: 60, Places: groups.MaxPlaces}
		a, _, err := h.svc.Publish(h.Ctx(), h.People.Maria, newKey(), p)
		testenv.Must(h.T, err)
		for _, d := range h.dates(a.ID) {
			ids = append(ids, d.ID)
		}
	}
	return ids[:n]
}
