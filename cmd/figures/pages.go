package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// page is one that is measured, as somebody sees it.
type page struct {
	what, path, persona string
	atMost              float64 // of what the bare handler uses
}

var pages = []page{
	{"Min hälsa (`anna`)", "/min-halsa", "anna", 8}, {"the desk (`maria`)", "/skrivbord", "maria", 35}, {"the inbox (`maria`)", "/inkorg", "maria", 30},
	{"the centres (`/halsocenter`)", "/halsocenter", "", 4}, {"the start page (`/`)", "/", "", 2},
}

const connections = 8

// serveBare answers every request with the same bytes, until it is stopped.
func serveBare(length int) error {
	body := []byte(strings.Repeat("x", length))
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		return c.Send(body)
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + ln.Addr().String())
	return app.Listener(ln)
}

// ask asks for a page over all connections for a while, and says how often it was
// answered and how long the page is.
func ask(s *server, path, persona string, during time.Duration) (n int64, length int, err error) {
	token, err := s.token(persona)
	if err != nil {
		return 0, 0, err
	}
	client := &fasthttp.HostClient{Addr: strings.TrimPrefix(s.address, "http://"), MaxConns: connections}
	var answers, size atomic.Int64
	var failed atomic.Value
	var all sync.WaitGroup
	end := time.Now().Add(during)
	for range connections {
		all.Go(func() {
			var req fasthttp.Request
			var res fasthttp.Response
			req.SetRequestURI(s.address + path)
			if token != "" {
				req.Header.SetCookie("session", token)
			}
			for time.Now().Before(end) {
				if err := client.Do(&req, &res); err != nil || res.StatusCode() != http.StatusOK {
					failed.Store(fmt.Errorf("%s: %d %w", path, res.StatusCode(), err))
					return
				}
				answers.Add(1)
				size.Store(int64(len(res.Body())))
			}
		})
	}
	all.Wait()
	if err, ok := failed.Load().(error); ok {
		return 0, 0, err
	}
	return answers.Load(), int(size.Load()), nil
}

// perRequest is the processor time that the server uses for one answer.
func perRequest(s *server, path, persona string, during time.Duration) (time.Duration, error) {
	before, err := s.cpu()
	if err != nil {
		return 0, err
	}
	n, _, err := ask(s, path, persona, during)
	if err != nil {
		return 0, err
	}
	after, err := s.cpu()
	return (after - before) / time.Duration(max(n, 1)), err
}

const (
	rounds = 5
	round  = 2 * time.Second
)

// multiple is how many times the bare handler's processor time an answer takes: the
// median of rounds in which the two take turns.
func (p page) multiple(ctx context.Context, s *server) (times float64, floor time.Duration, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	_, length, err := ask(s, p.path, p.persona, round/4)
	if err != nil {
		return 0, 0, err
	}
	bare, err := start(ctx, self, "-bare", strconv.Itoa(length))
	if err != nil {
		return 0, 0, err
	}
	defer bare.stop()
	var ratios []float64
	var floors []time.Duration
	for range rounds {
		f, err := perRequest(bare, "/", "", round)
		if err != nil {
			return 0, 0, err
		}
		m, err := perRequest(s, p.path, p.persona, round)
		if err != nil {
			return 0, 0, err
		}
		ratios, floors = append(ratios, float64(m)/float64(f)), append(floors, f)
	}
	return median(ratios), median(floors), nil
}

func median[T float64 | time.Duration](all []T) T {
	all = slices.Clone(all)
	slices.Sort(all)
	return all[len(all)/2]
}

// load asks for all pages in turn, for a while.
func (s *server) load(during time.Duration) error {
	for end, i := time.Now().Add(during), 0; time.Now().Before(end); i++ {
		p := pages[i%len(pages)]
		if _, _, err := ask(s, p.path, p.persona, time.Second); err != nil {
			return err
		}
	}
	return nil
}
