package groups_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"halsocoach"
	"halsocoach/groups"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

// fill writes a living programme: four weeks in every kommun.
func (h *house) fill() {
	h.T.Helper()
	activities := store.In[groups.Activity](h.Store, groups.Kinds()[0])
	occasions := store.In[groups.Occasion](h.Store, groups.Kinds()[1])
	now := h.Clock.Now()
	for i, k := range halsocoach.Kommuner {
		for j, topic := range halsocoach.Topics {
			a := groups.Activity{
				ID: fmt.Sprintf("a-%s-%d", k.Code, j), Title: "Grupp i " + k.Name, Topic: topic, Kommun: k.Code, Centre: k.Code,
				Form: groups.OnSite, Where: "Hälsocenter", LedBy: "Föreningen", Made: now, Published: true,
			}
			testenv.Must(h.T, activities.Insert(h.Ctx(), a.ID, a))
			for week := range 4 {
				start := halsocoach.DayOf(now).Plus(week*7 + 1 + (i+j)%6).At(9*60 + j*60)
				o := a.Occasion(now, groups.Span{Starts: start, Ends: start.Add(time.Hour)}, 12, time.Time{})
				o.Rev = 1
				testenv.Must(h.T, occasions.Insert(h.Ctx(), o.ID, o))
			}
		}
	}
	h.svc = h.service() // a node that finds it all at its start
	testenv.Must(h.T, h.svc.Start(h.Ctx(), h.Bus))
}

func TestTheProgrammePageIsKeptAndFollowsWhatHappens(t *testing.T) {
	h := newHouse(t)
	h.fill()
	app := h.app()
	visitor := app.As(halsocoach.Actor{})
	first := visitor.Get("/gruppaktiviteter")
	says(t, "the programme", first, 200, "Grupp i Aneby", "Visa fler", "12 platser kvar")
	if n := len(first.Body); n > 200_000 {
		t.Fatalf("the page is %d bytes", n)
	}
	etag := first.Header.Get("Etag")
	if again := visitor.Get("/gruppaktiviteter"); etag == "" || again.Header.Get("Etag") != etag || again.Body != first.Body {
		t.Fatal("an unchanged programme is another page")
	}
	_, after, _ := strings.Cut(first.Body, `href="/gruppaktiviteter?after=`)
	after, _, _ = strings.Cut(after, `"`)
	more := visitor.Get("/gruppaktiviteter?after=" + after)
	says(t, "the next page", more, 200, "Grupp i ")
	if more.Body == first.Body {
		t.Fatal("the next page is the first")
	}

	items, _, err := h.svc.Programme(h.Ctx(), groups.Filter{})
	testenv.Must(t, err)
	o := items[0].Occasions[0]
	h.book(h.People.Elsa, o.ID, false)
	says(t, "after a booking", visitor.Get("/gruppaktiviteter"), 200, "11 platser kvar")
	h.Clock.Set(o.Starts) // nothing is saved, but it has begun
	says(t, "when it has begun", visitor.Get("/gruppaktiviteter"), 200, "Bokningen är stängd")
	h.Clock.Set(o.Ends)
	if r := visitor.Get("/gruppaktiviteter"); strings.Contains(r.Body, "/tillfallen/"+o.ID) {
		t.Fatal("what has ended is still in the programme")
	}
}

// clients ask for path, each over one connection of its own.
type clients struct {
	http *fasthttp.HostClient
	uri  string
}

const connections = 16

func dial(addr, path string) *clients {
	return &clients{&fasthttp.HostClient{Addr: addr, MaxConns: connections}, "http://" + addr + path}
}

func ask(req *fasthttp.Request, uri string) {
	req.SetRequestURI(uri)
	req.Header.Set("Accept-Encoding", "gzip, deflate, br")
	req.Header.Set("Accept-Language", "sv-SE,sv;q=0.9,en;q=0.8")
}

func (c *clients) one(b *testing.B) []byte {
	var req fasthttp.Request
	var res fasthttp.Response
	ask(&req, c.uri)
	if err := c.http.Do(&req, &res); err != nil || res.StatusCode() != 200 {
		b.Fatalf("%d %v", res.StatusCode(), err)
	}
	return slices.Clone(res.Body())
}

// get asks n times over all connections together.
func (c *clients) get(b *testing.B, n int) {
	testenv.Together(connections, func(int) {
		var req fasthttp.Request
		var res fasthttp.Response
		ask(&req, c.uri)
		for range n / connections {
			if err := c.http.Do(&req, &res); err != nil || res.StatusCode() != 200 {
				b.Errorf("%d %v", res.StatusCode(), err)
				return
			}
		}
	})
}

// serve answers on a port of this machine until the benchmark ends.
func serve(b *testing.B, app *fiber.App) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Must(b, err)
	go func() { _ = app.Listener(ln) }()
	b.Cleanup(func() { _ = app.Shutdown() })
	return ln.Addr().String()
}

// BenchmarkProgrammePage sets the public page beside a bare handler that sends
// the same bytes: rounds of one and the other in turn, the median of their
// ratios. "ratio" is over sockets on this machine, sixteen at a time, and
// "ratio-handler" without any.
func BenchmarkProgrammePage(b *testing.B) {
	h := newHouse(b)
	h.fill()
	ours := h.app().Web.Fiber()
	addr := serve(b, ours)
	const path = "/gruppaktiviteter"
	us := dial(addr, path)
	page := us.one(b)
	bare := fiber.New(fiber.Config{DisableStartupMessage: true})
	bare.Get(path, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		return c.Send(page)
	})
	floor := dial(serve(b, bare), path)
	direct := func(app *fiber.App) func(int) {
		handle, ctx := app.Handler(), &fasthttp.RequestCtx{}
		return func(n int) {
			for range n {
				ctx.Request.Reset()
				ask(&ctx.Request, "http://example.test"+path)
				ctx.Response.Reset()
				handle(ctx)
			}
		}
	}
	const rounds = 9
	n := max(b.N/rounds, 2000)
	b.ResetTimer()
	socket, each := ratios(rounds, n, func(n int) { us.get(b, n) }, func(n int) { floor.get(b, n) })
	handler, alone := ratios(rounds, n, direct(ours), direct(bare))
	b.ReportMetric(socket, "ratio")
	b.ReportMetric(float64(time.Second)/float64(each), "pages/s")
	b.ReportMetric(handler, "ratio-handler")
	b.ReportMetric(float64(alone), "ns-handler")
	b.ReportMetric(float64(len(page)), "bytes")
	b.ReportMetric(0, "ns/op")
}

// ratios is the median of floor's time by ours, and our median time for one.
func ratios(rounds, n int, ours, floor func(int)) (ratio float64, each time.Duration) {
	took := func(do func(int)) time.Duration {
		began := time.Now()
		do(n)
		return time.Since(began)
	}
	all, times := make([]float64, rounds), make([]time.Duration, rounds)
	for i := range all {
		f := took(floor)
		times[i] = took(ours)
		all[i] = float64(f) / float64(times[i])
	}
	slices.Sort(all)
	slices.Sort(times)
	return all[rounds/2], times[rounds/2] / time.Duration(n)
}
