package web

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
)

// state is what the app knows of one request. It lives in the context that
// services get, and never refers to the pooled fiber.Ctx.
type state struct {
	app      *App
	id       string
	lang     string
	asked    bool // whether the actor has been asked for
	actor    halsocoach.Actor
	fault    error // why the actor is not known, other than ErrSignIn
	internal error // the error behind a 500, for the log
}

type stateKey struct{}

// scope is the request's context: five seconds, and its state.
type scope struct {
	context.Context
	st *state
}

func (s scope) Value(key any) any {
	if _, ok := key.(stateKey); ok {
		return s.st
	}
	return s.Context.Value(key)
}

func stateIn(ctx context.Context) *state {
	st, _ := ctx.Value(stateKey{}).(*state)
	return st
}

func stateOf(c *fiber.Ctx) *state {
	st, _ := c.Locals(stateKey{}).(*state)
	return st
}

// request is the middleware around everything: id, context, headers, origin
// check, errors and panics, and one access line without personal data.
func (a *App) request(c *fiber.Ctx) error {
	began := time.Now()
	a.running.Add(1)
	defer a.running.Add(-1)
	st := a.begin(c)
	ctx, cancel := context.WithTimeout(context.Background(), serviceTime)
	defer cancel()
	c.SetUserContext(scope{ctx, st})
	if err := a.serve(c); err != nil {
		a.answer(c, st, err)
	}
	a.setHeaders(c, st)
	a.logLine(c, st, routeOf(c), time.Since(began))
	return nil
}

func (a *App) begin(c *fiber.Ctx) *state {
	var raw [8]byte
	n := rand.Uint64()
	for i := range raw {
		raw[i] = byte(n >> (8 * i))
	}
	st := &state{app: a, id: hex.EncodeToString(raw[:]), lang: languageOf(c)}
	c.Locals(stateKey{}, st)
	return st
}

// serve runs the rest, turning a panic into an error.
func (a *App) serve(c *fiber.Ctx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if err := a.guard(c); err != nil {
		return err
	}
	return c.Next()
}

// routeOf is the pattern that answered. A path that no route matched is not
// written, since anything may stand in it.
func routeOf(c *fiber.Ctx) string {
	route := c.Route().Path
	if route == "/" && c.Path() != "/" { // the middleware's own
		return "-"
	}
	return route
}

// logLine writes the access line: method, route pattern, status, ms and who,
// masked.
func (a *App) logLine(c *fiber.Ctx, st *state, route string, took time.Duration) {
	status := c.Response().StatusCode()
	if a.cfg.Answered != nil {
		a.cfg.Answered(c.Method(), route, status, took)
	}
	if route == "/healthz" || route == "/readyz" {
		return
	}
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("id", st.id), slog.String("method", c.Method()), slog.String("route", route), slog.Int("status", status),
		slog.Float64("ms", float64(took.Microseconds())/1000),
	}
	if st.asked {
		attrs = append(attrs, slog.Any("actor", st.actor))
	}
	if st.internal != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("err", st.internal.Error()))
	}
	a.cfg.Log.LogAttrs(context.Background(), level, "request", attrs...)
}

// who asks Config.Actor, once per request.
func (st *state) who(c *fiber.Ctx) halsocoach.Actor {
	if st.asked {
		return st.actor
	}
	st.asked = true
	if st.app.cfg.Actor == nil {
		return st.actor
	}
	actor, err := st.app.cfg.Actor(c)
	switch {
	case err == nil:
		st.actor = actor
	case !errors.Is(err, halsocoach.ErrSignIn):
		st.fault = err
	}
	return st.actor
}

// Who is the one who asks, found at most once per request. Somebody whose
// session has ended is nobody; should it be impossible to tell, the request
// ends as that fault where a sign-in would have been asked for.
func Who(c *fiber.Ctx) halsocoach.Actor {
	if st := stateOf(c); st != nil {
		return st.who(c)
	}
	return halsocoach.Actor{}
}

// Ctx is the request's context, which is what services get: it ends after five
// seconds and when the request does, and holds the language.
func Ctx(c *fiber.Ctx) context.Context { return c.UserContext() }

// Req is the request behind a form, by its key: the hidden field _key or the header
// Idempotency-Key, else a random key.
func Req(c *fiber.Ctx) halsocoach.Request {
	key := c.Get("Idempotency-Key")
	if key == "" {
		key = c.FormValue("_key")
	}
	return keyed(key)
}

// keyLimit is longer than any honest key.
const keyLimit = 200

func keyed(key string) halsocoach.Request {
	if key == "" || len(key) > keyLimit {
		key = halsocoach.NewID()
	}
	return halsocoach.Request{Key: key}
}
