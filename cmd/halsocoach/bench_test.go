package main

import (
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"halsocoach"
	"halsocoach/cmd/halsocoach/demo"
	"halsocoach/internal/auth"
	"halsocoach/internal/testenv"
)

// asking is a crowd of sixteen that asks for one page, each over a connection
// that is kept.
type asking struct {
	http *fasthttp.HostClient
	uri  string
	with string // the session cookie
}

const crowd = 16

func listen(b *testing.B, app *fiber.App) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Must(b, err)
	go func() { _ = app.Listener(ln) }()
	b.Cleanup(func() { _ = ln.Close() })
	return ln.Addr().String()
}

func (a asking) get(b *testing.B, n int) (body []byte, took time.Duration) {
	b.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	began := time.Now()
	for range crowd {
		wg.Go(func() {
			var req fasthttp.Request
			var res fasthttp.Response
			req.SetRequestURI(a.uri)
			req.Header.SetCookie("session", a.with)
			for range max(n/crowd, 1) {
				if err := a.http.Do(&req, &res); err != nil || res.StatusCode() != 200 {
					b.Errorf("%s: %d %v", a.uri, res.StatusCode(), err)
					return
				}
			}
			mu.Lock()
			defer mu.Unlock()
			body = slices.Clone(res.Body())
		})
	}
	wg.Wait()
	return body, time.Since(began)
}

// BenchmarkSignedInPage is a citizen's page of who has read about them: the
// session, a find in the store and the page rendered, beside a bare Fiber
// handler that sends the same bytes: rounds in turn, the median of the ratios.
func BenchmarkSignedInPage(b *testing.B) {
	pageSpeed() // as serve runs
	h, _ := testApp(b)
	person, err := h.seal.NewPerson(b.Context())
	testenv.Must(b, err)
	in, err := h.auth.SignInAs(b.Context(), auth.Identity{Person: person, Name: "Elsa Berg"})
	testenv.Must(b, err)
	for _, act := range []halsocoach.Act{"read inbox", "read referral", "decide referral", "read caseload", "read enrolment", "book talk", "read talks"} {
		testenv.Must(b, h.accessLog.Saw(b.Context(), demo.Coach("0684"), act, "inkorg", person))
	}
	const path = "/min-halsa/logg"
	addr := listen(b, h.web.Fiber())
	ours := asking{&fasthttp.HostClient{Addr: addr, MaxConns: crowd}, "http://" + addr + path, in.Token}
	page, _ := ours.get(b, crowd)
	bare := fiber.New(fiber.Config{DisableStartupMessage: true})
	bare.Get(path, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		return c.Send(page)
	})
	addr = listen(b, bare)
	floor := asking{&fasthttp.HostClient{Addr: addr, MaxConns: crowd}, "http://" + addr + path, in.Token}
	const rounds = 9
	n := max(b.N/rounds, 3000)
	var ratios []float64
	b.ResetTimer()
	for range rounds {
		_, f := floor.get(b, n)
		_, o := ours.get(b, n)
		ratios = append(ratios, float64(f)/float64(o))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[rounds/2], "ratio")
	b.ReportMetric(float64(len(page)), "bytes")
	b.ReportMetric(0, "ns/op")
}
