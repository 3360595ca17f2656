package web

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"halsocoach"
)

// Config is what the app needs from the rest of the program; cmd fills it in.
// Nil functions and a nil Log mean "nobody", "nothing" and "nowhere".
type Config struct {
	// PublicURL is the address people use ("https://halsocoach.rjl.se"); a
	// writing request may come from it as well as from the request's own host.
	PublicURL string
	// Demo shows /stil and says on every page that all people are made up.
	Demo bool
	// Name of the service in the header; "" = Hälsocoach online.
	Name  string
	Log   *slog.Logger
	Clock halsocoach.Clock
	// Actor tells who asks, from cookie or Bearer. The zero Actor is nobody.
	// ErrSignIn means that a session has ended, which also is nobody.
	Actor func(*fiber.Ctx) (halsocoach.Actor, error)
	// Session is how long the session of who still lasts when it is not used,
	// and at the longest; zero = not known. The page warns before it ends.
	Session func(halsocoach.Actor) (idle, longest time.Duration)
	// Nav is the navigation of a role, Swedish texts, translated where shown.
	Nav func(halsocoach.Actor) []Link
	// Account are the pages of a person's own account, beside their sign-ins.
	Account []Link
	// Drafts keeps the answers of a form whose session has ended.
	Drafts Drafts
	// Answered is told of every answer once its status stands. route is the
	// pattern, or "-".
	Answered func(method, route string, status int, took time.Duration)
	// Ready says whether the program can serve: store, bus.
	Ready func(context.Context) error
	// Notice is how long a stop goes on answering after /readyz has begun to say
	// no: time for a proxy to see it and to send people elsewhere.
	Notice time.Duration
	// FormTargets are origins besides our own where a form may end up by
	// redirects: the identity provider's.
	FormTargets []string
	// Proxies are the addresses whose X-Forwarded-For and -Proto are believed.
	Proxies []string
	// Faults are other ways to say a fault than a problem, by the beginning of the
	// path ("/fhir"): each door answers in its own.
	Faults map[string]SayFault
	// Statement is the accessibility statement; the zero value shows the
	// service's own with the date of the build's last assessment.
	Statement Statement
}

// Link is a way to a page. Text is Swedish and is translated where it is shown.
type Link struct {
	Path, Text, Icon string
	Count            int // shown beside the text when not 0
}

// Drafts keeps what somebody wrote in a form while they sign in again.
// Package auth satisfies it.
type Drafts interface {
	Keep(c *fiber.Ctx, path string, values map[string][]string) error
	Take(c *fiber.Ctx, path string) (map[string][]string, bool)
}

// App is the program's door to browsers and machines.
type App struct {
	running atomic.Int64 // requests under way
	leaving atomic.Bool  // /readyz says no
	cfg     Config
	fiber   *fiber.App
	api     huma.API
	secure  bool // the public address is https
	cookies Cookies
	csp     string
	cache   *Cached // our own public pages
}

// The limits of a request. Services get a context with serviceTime.
const (
	serviceTime = 5 * time.Second
	readTime    = 20 * time.Second
	writeTime   = 30 * time.Second
	idleTime    = 75 * time.Second
)

// New builds the app with its own pages. Packages add theirs with
// Routes(app.Fiber()) and API(app.API()) before Listen.
func New(cfg Config) *App {
	if cfg.Name == "" {
		cfg.Name = "Hälsocoach online"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	a := &App{cfg: cfg, secure: strings.HasPrefix(cfg.PublicURL, "https://"), cache: NewCached(64)}
	a.csp, a.cookies = policy(cfg), Cookies{a.secure}
	a.fiber = fiber.New(fiber.Config{
		AppName: cfg.Name, DisableStartupMessage: true, Immutable: true,
		ReadBufferSize: 8 << 10, WriteBufferSize: 16 << 10, BodyLimit: formLimit, // a page leaves in one write
		ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		ErrorHandler:            a.unread,
		EnableTrustedProxyCheck: true, TrustedProxies: cfg.Proxies, ProxyHeader: fiber.HeaderXForwardedFor,
		EnableIPValidation: true,
	})
	server := a.fiber.Server()
	server.HeaderReceived = bodyLimit
	server.KeepHijackedConns = true // chat serves its sockets after the handler has returned
	a.fiber.Use(a.request)
	a.api = a.newAPI()
	a.ownRoutes(a.fiber)
	return a
}

// Fiber is where packages register their pages.
func (a *App) Fiber() *fiber.App { return a.fiber }

// API is where packages register their JSON twins; paths are written without
// /api/v1.
func (a *App) API() huma.API { return a.api }

// Listen serves on addr until Shutdown.
func (a *App) Listen(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return a.Serve(ln)
}

// Serve serves on ln until Shutdown.
func (a *App) Serve(ln net.Listener) error { return a.fiber.Listener(ln) }

// quietTime is how long no request must have run before what is still open is
// taken for idle: time enough for the last answers to leave.
const quietTime = 300 * time.Millisecond

// Leave begins a stop: /readyz says no, and every answer asks for a new
// connection next time. What comes is still answered; Leave returns after Notice
// or when ctx ends.
func (a *App) Leave(ctx context.Context) {
	a.leaving.Store(true)
	t := time.NewTimer(a.cfg.Notice)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Shutdown lets running requests end. Connections on which nothing is asked are
// not waited for: browsers open them in advance and keep them. Hijacked sockets
// are chat's to close.
func (a *App) Shutdown(ctx context.Context) error {
	a.leaving.Store(true)
	done := make(chan error, 1)
	go func() { done <- a.fiber.ShutdownWithContext(ctx) }()
	tick := time.NewTicker(quietTime / 10)
	defer tick.Stop()
	for quiet := 0; quiet < 10; {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if quiet++; a.running.Load() > 0 {
				quiet = 0
			}
		}
	}
	return nil
}

func (a *App) ownRoutes(r fiber.Router) {
	r.Get("/healthz", func(c *fiber.Ctx) error { return c.SendString("ok\n") })
	r.Get("/readyz", a.ready)
	r.Get("/static/*", sendAsset)
	r.Get("/", a.start)
	r.Get("/sprak", func(c *fiber.Ctx) error { return c.Redirect("/", fiber.StatusSeeOther) })
	r.Post("/sprak", a.switchLanguage)
	r.Get("/tillganglighet", a.statement)
	if a.cfg.Demo {
		r.Get("/stil", a.style)
		r.Post("/stil", a.style)
	}
}

// ready tells who sends requests here whether to go on doing so.
func (a *App) ready(c *fiber.Ctx) error {
	if a.leaving.Load() {
		return c.Status(fiber.StatusServiceUnavailable).SendString("stopping\n")
	}
	if a.cfg.Ready != nil {
		if err := a.cfg.Ready(Ctx(c)); err != nil {
			a.cfg.Log.Warn("not ready", "err", err)
			return c.Status(fiber.StatusServiceUnavailable).SendString("not ready\n")
		}
	}
	return c.SendString("ready\n")
}
