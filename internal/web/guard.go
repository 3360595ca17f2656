package web

import (
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"halsocoach"
)

// How much a body may hold, by door. It is judged by the path before the body
// is read.
const (
	formLimit = 64 << 10
	apiLimit  = 1 << 20
	fhirLimit = 6 << 20
)

func limitOf(path string) int {
	switch {
	case under(path, "/fhir"):
		return fhirLimit
	case under(path, "/api"):
		return apiLimit
	}
	return formLimit
}

func under(path, root string) bool {
	return strings.HasPrefix(path, root) && (len(path) == len(root) || path[len(root)] == '/')
}

// bodyLimit gives the larger limits only to those who say who they are: room for
// a body is taken before anybody can look whether it is true.
func bodyLimit(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	path, _, _ := strings.Cut(string(h.RequestURI()), "?")
	limit := limitOf(path)
	if len(h.Peek(fiber.HeaderAuthorization)) == 0 && len(h.Cookie(SecureCookie)) == 0 && len(h.Cookie(PlainCookie)) == 0 {
		limit = formLimit
	}
	return fasthttp.RequestConfig{MaxRequestBodySize: limit}
}

// drain reads what a client still sends of a body that is refused, so that the
// answer reaches it instead of a reset connection. It gives up soon.
func drain(c *fiber.Ctx) {
	conn := c.Context().Conn()
	if conn == nil {
		return
	}
	buf := make([]byte, 32<<10)
	end := time.Now().Add(2 * time.Second)
	for total := 0; total < 2*fhirLimit && time.Now().Before(end); {
		if conn.SetReadDeadline(time.Now().Add(200*time.Millisecond)) != nil {
			return
		}
		n, err := conn.Read(buf)
		total += n
		if err != nil {
			return
		}
	}
}

// The names of the session cookie, with an https address and without.
const (
	SecureCookie = "__Host-session"
	PlainCookie  = "session"
)

var errOrigin = halsocoach.Forbidden("Sidan skickades från en annan webbplats än vår. Öppna sidan här och försök igen.")

// origin is where a browser says that a request comes from.
type origin int

const (
	unsaid  origin = iota // not a browser, or a very old one
	ours                  // from a page of ours
	foreign               // from another site
)

// originOf goes by Sec-Fetch-Site, or without it by Origin: the request's own
// host or the public address is ours.
func (a *App) originOf(c *fiber.Ctx) origin {
	switch c.Get("Sec-Fetch-Site") {
	case "":
	case "same-origin", "none": // none: the person's own doing, as a reload
		return ours
	default:
		return foreign
	}
	said := c.Get(fiber.HeaderOrigin)
	if said == "" {
		return unsaid
	}
	from, err := url.Parse(said)
	if err != nil || from.Host == "" {
		return foreign
	}
	if strings.EqualFold(from.Host, string(c.Request().Host())) || strings.EqualFold(from.Scheme+"://"+from.Host, strings.TrimSuffix(a.cfg.PublicURL, "/")) {
		return ours
	}
	return foreign
}

// guard refuses a packed body, since what it unpacks to has no limit, and a
// writing request that carries our cookie unless it comes from our own origin.
// Requests without our cookie are free of the latter.
func (a *App) guard(c *fiber.Ctx) error {
	if len(c.Request().Header.ContentEncoding()) > 0 {
		return fiber.ErrUnsupportedMediaType
	}
	switch c.Method() {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions, fiber.MethodTrace:
		return nil
	}
	if carriesSession(c) && a.originOf(c) != ours {
		return errOrigin
	}
	return nil
}

func carriesSession(c *fiber.Ctx) bool {
	return len(c.Request().Header.Cookie(SecureCookie)) > 0 || len(c.Request().Header.Cookie(PlainCookie)) > 0
}

// policy is the content security policy: everything from here, nothing inline.
func policy(cfg Config) string {
	connect := "'self'"
	if rest, ok := strings.CutPrefix(cfg.PublicURL, "http"); ok {
		connect += " ws" + strings.TrimSuffix(rest, "/") // for browsers whose 'self' leaves sockets out
	}
	forms := strings.Join(append([]string{"'self'"}, cfg.FormTargets...), " ")
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src " + connect +
		"; manifest-src 'self'; worker-src 'self'; form-action " + forms + "; base-uri 'none'; frame-ancestors 'none'"
}

// setHeaders sets the headers that every answer carries.
func (a *App) setHeaders(c *fiber.Ctx, st *state) {
	h := &c.Response().Header
	h.Set("X-Request-Id", st.id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", a.csp)
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if a.leaving.Load() {
		c.Response().SetConnectionClose()
	}
	if a.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
	if st.actor.SignedIn() || len(h.Peek(fiber.HeaderCacheControl)) == 0 {
		h.Set(fiber.HeaderCacheControl, "no-store")
	}
}
