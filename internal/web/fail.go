package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
)

// Problem is a fault as machines get it: RFC 9457, with our code, the fields to
// mend and the request id beside.
type Problem struct {
	Type    string             `json:"type" doc:"about:blank, or urn:halsocoach:problem:<code>"`
	Title   string             `json:"title"`
	Status  int                `json:"status"`
	Detail  string             `json:"detail,omitempty"`
	Code    string             `json:"code,omitempty" doc:"What happened, for programs: full, taken, decided"`
	Fields  []halsocoach.Field `json:"fields,omitempty" doc:"The answers to mend"`
	Request string             `json:"request,omitempty" doc:"The request's id, for support"`
}

func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// GetStatus and ContentType make huma send the problem as it is.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457 for JSON.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// statuses is what each kind of fault becomes.
var statuses = map[halsocoach.ErrorKind]int{
	halsocoach.KindInvalid: 422, halsocoach.KindSignIn: 401, halsocoach.KindForbidden: 403,
	halsocoach.KindNotFound: 404, halsocoach.KindConflict: 409, halsocoach.KindBusy: 503,
}

// problem is the one place where an error gets its status and its words. What
// is not a halsocoach.Error is ours: 500 and no inner words.
func problem(ctx context.Context, err error) *Problem {
	p := &Problem{Type: "about:blank", Status: 500}
	var ready *Problem
	var e *halsocoach.Error
	var f *fiber.Error
	st := stateIn(ctx)
	switch {
	case errors.As(err, &ready):
		p = ready
	case errors.As(err, &e) && statuses[e.Kind] != 0:
		p.Status, p.Code, p.Detail = statuses[e.Kind], e.Code, T(ctx, e.Text)
		for _, field := range e.Fields {
			p.Fields = append(p.Fields, halsocoach.Field{Name: field.Name, Text: T(ctx, field.Text)})
		}
		if e.Code != "" {
			p.Type = "urn:halsocoach:problem:" + e.Code
		}
	case errors.As(err, &f) && f.Code >= 400:
		p.Status = f.Code
	case errors.Is(err, context.DeadlineExceeded):
		p.Status = 503
		if st != nil {
			st.internal = err
		}
	default:
		if st != nil {
			st.internal = err
		}
	}
	title, detail := words(ctx, p.Status)
	if p.Title == "" {
		p.Title = title
	}
	if p.Detail == "" {
		p.Detail = detail
	}
	if st != nil {
		p.Request = st.id
	}
	return p
}

// words are the heading and the sentence of a status.
func words(ctx context.Context, status int) (title, detail string) {
	switch status {
	case 400:
		return T(ctx, "Vi förstod inte"), T(ctx, "Det som skickades går inte att läsa.")
	case 401:
		return T(ctx, "Logga in"), T(ctx, "Du behöver logga in för att fortsätta.")
	case 403:
		return T(ctx, "Du kommer inte åt det här"), T(ctx, "Ditt konto har inte tillgång till det här.")
	case 404:
		return T(ctx, "Sidan finns inte"), T(ctx, "Vi hittar inte det du söker.")
	case 405:
		return T(ctx, "Det går inte så"), T(ctx, "Adressen finns, men den tar inte emot det här sättet att fråga.")
	case 406, 415:
		return T(ctx, "Fel format"), T(ctx, "Vi tar emot och svarar med JSON.")
	case 408:
		return T(ctx, "Det tog för lång tid"), T(ctx, "Vi hann inte få hela frågan. Försök igen.")
	case 409:
		return T(ctx, "Det hann ändras"), T(ctx, "Någon annan hann före. Titta igen och välj på nytt.")
	case 413:
		return T(ctx, "Det var för mycket"), T(ctx, "Det du skickade är för stort. Korta texten eller välj en mindre fil.")
	case 422:
		return T(ctx, "Några svar behöver rättas till"), T(ctx, "Några svar behöver rättas till.")
	case 431:
		return T(ctx, "Webbläsaren skickade för mycket"), T(ctx, "Rensa kakorna för den här webbplatsen och försök igen.")
	case 503:
		return T(ctx, "Försök igen om en liten stund"), T(ctx, "Just nu går det inte att spara. Försök igen om en liten stund.")
	case 500:
		return T(ctx, "Något gick fel hos oss"), T(ctx, "Det är inte ditt fel. Försök igen, och hör av dig om det inte hjälper.")
	}
	return T(ctx, "Det gick inte"), T(ctx, "Försök igen, och hör av dig om det inte hjälper.")
}

// machine says whether the answer should be JSON.
func machine(c *fiber.Ctx) bool {
	path := c.Path()
	if under(path, "/api") || under(path, "/fhir") || under(path, "/oauth") {
		return true
	}
	accept := c.Get(fiber.HeaderAccept)
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

// answer turns an error into a page, a redirect to the sign-in page or a
// problem.
func (a *App) answer(c *fiber.Ctx, st *state, err error) {
	if errors.Is(err, halsocoach.ErrSignIn) && !st.who(c).SignedIn() && st.fault != nil {
		err = fmt.Errorf("who asks: %w", st.fault)
	}
	c.Response().ResetBody()
	ctx := Ctx(c)
	p := problem(ctx, err)
	if p.Status == fiber.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, "5")
	}
	switch {
	case machine(c):
		if p.Status == fiber.StatusUnauthorized {
			c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
		}
		a.sendProblem(c, err, p)
	case p.Status == fiber.StatusUnauthorized:
		a.toSignIn(c)
	default:
		if err := Show(c, Page{Title: p.Title, Status: p.Status}, failure(p)); err != nil {
			a.cfg.Log.Error("error page", "id", st.id, "err", err)
			c.Status(p.Status).Type("txt", "utf-8").SendString(p.Title + "\n" + p.Detail + "\n" + st.id + "\n")
		}
	}
}

// SayFault writes a fault for machines: the error, and the problem that it is.
// The answer has the problem's status.
type SayFault func(ctx context.Context, err error, p *Problem) (contentType string, body []byte)

func (a *App) sendProblem(c *fiber.Ctx, fault error, p *Problem) {
	kind := problemType
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte(`{"type":"about:blank","status":500}`)
	}
	for door, say := range a.cfg.Faults {
		if under(c.Path(), door) {
			kind, body = say(Ctx(c), fault, p)
		}
	}
	c.Status(p.Status).Set(fiber.HeaderContentType, kind)
	c.Response().SetBody(body)
}

// toSignIn sends a visitor to the sign-in page and back. What was written in a
// form is kept as a draft, for the form to take up again.
func (a *App) toSignIn(c *fiber.Ctx) {
	next := c.Path()
	if c.Method() == fiber.MethodPost {
		if a.cfg.Drafts != nil && a.originOf(c) != foreign {
			if err := a.cfg.Drafts.Keep(c, c.Path(), posted(c)); err != nil {
				a.cfg.Log.Warn("draft not kept", slog.Any("err", err))
			}
		}
	} else if query := c.Request().URI().QueryString(); len(query) > 0 {
		next += "?" + string(query)
	}
	c.Status(fiber.StatusSeeOther).Set(fiber.HeaderLocation, "/logga-in?next="+url.QueryEscape(next))
}

// unread answers what never reached the handlers: a body or headers too large,
// a request that can not be read. Nothing is known of who asks.
func (a *App) unread(c *fiber.Ctx, err error) error {
	if st := stateOf(c); st != nil { // a handler's error that passed the middleware
		a.answer(c, st, err)
		return nil
	}
	st := a.begin(c)
	st.asked = true
	c.SetUserContext(scope{context.Background(), st})
	var f *fiber.Error
	if errors.As(err, &f) && f.Code == fiber.StatusRequestEntityTooLarge {
		drain(c)
	}
	a.answer(c, st, err)
	a.setHeaders(c, st)
	a.logLine(c, st, "-", 0)
	return nil
}
