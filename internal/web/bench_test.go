package web

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"
)

// The benchmarks send requests over kept connections to the app and to a bare
// Fiber handler that sends the same bytes, in turns, and report the median of
// the ratios.

const (
	benchConns  = 16
	benchRounds = 9
)

// BenchmarkPublicPage is a programme-like page of about 20 kB kept by Cached,
// as a browser asks for it.
func BenchmarkPublicPage(b *testing.B) {
	a := testApp(b)
	pages := NewCached(10)
	a.Fiber().Get("/program", func(c *fiber.Ctx) error {
		return pages.Show(c, "1", Page{Title: "Start", Public: true}, func() (templ.Component, error) { return benchList(60), nil })
	})
	compare(b, a, "/program", "Accept-Encoding: gzip, br\r\n")
}

// BenchmarkSignedInPage is a page of about 8 kB, rendered for each request.
func BenchmarkSignedInPage(b *testing.B) {
	a := testApp(b)
	a.Fiber().Get("/lista", func(c *fiber.Ctx) error { return Show(c, Page{Title: "Start"}, benchList(5)) })
	compare(b, a, "/lista", "X-Who: elsa\r\nCookie: session=x\r\n")
}

func benchList(n int) templ.Component {
	f := &Form{Key: "k"}
	return templ.Join(PageHeader("Gruppaktiviteter", "Det som händer i din kommun de närmaste veckorna."), benchItems(n), Act(f, "/x", "quiet", "Visa"))
}

// compare runs the app against the floor and reports the ratio.
func compare(b *testing.B, a *App, path, heads string) {
	sent := ask(b, a, "GET", path, "", asHeads(heads)...)
	if sent.status != 200 {
		b.Fatalf("%d %s", sent.status, sent.body)
	}
	floor := fiber.New(fiber.Config{DisableStartupMessage: true})
	body := []byte(sent.body)
	floor.Get(path, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		return c.Send(body)
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go floor.Listener(ln) //nolint:errcheck // ends with the process
	ours := strings.TrimPrefix(serve(b, a), "http://")
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + heads + "\r\n")
	n := max(b.N/benchRounds, 4000)
	var ratios []float64
	b.ResetTimer()
	for range benchRounds {
		bare := rate(b, ln.Addr().String(), request, n)
		ratios = append(ratios, rate(b, ours, request, n)/bare)
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2]*100, "%_of_bare")
	b.ReportMetric(float64(len(sent.body)), "bytes")
}

func asHeads(heads string) []string {
	return strings.Split(strings.TrimSuffix(heads, "\r\n"), "\r\n")
}

// rate is answers a second over kept connections.
func rate(b *testing.B, addr string, request []byte, n int) float64 {
	var wg sync.WaitGroup
	began := time.Now()
	faults := make(chan error, benchConns)
	for range benchConns {
		wg.Go(func() {
			if err := hammer(addr, request, n/benchConns); err != nil {
				faults <- err
			}
		})
	}
	wg.Wait()
	select {
	case err := <-faults:
		b.Fatal(err)
	default:
	}
	return float64(n) / time.Since(began).Seconds()
}

// hammer sends the request n times and reads each answer to its end.
func hammer(addr string, request []byte, n int) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	for range n {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		size := -1
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return err
			}
			if len(line) == 2 {
				break
			}
			if rest, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
				if _, err := fmt.Sscan(rest, &size); err != nil {
					return err
				}
			}
		}
		if size < 0 {
			return fmt.Errorf("no Content-Length")
		}
		if _, err := io.CopyN(io.Discard, r, int64(size)); err != nil {
			return err
		}
	}
	return nil
}
