package web

import (
	"context"
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"halsocoach"
)

// Page is how a page is framed. Title is Swedish and translated here.
type Page struct {
	Title   string
	Active  string   // the path in the navigation that is marked
	Status  int      // 0 = 200
	Wide    bool     // the desk and wide tables: all of a wide screen
	Scripts []string // names under static/js: "chat.js"
	Public  bool     // without navigation: a page for somebody on the way in
}

// view is what the layout draws.
type view struct {
	Page
	app    *App
	lang   string
	path   string
	who    halsocoach.Actor
	nav    []Link
	notice string
}

// Show renders body within the layout and sends it. The page is rendered into
// the response's pooled buffer before the first byte leaves, so that an error in
// the middle becomes an error page.
func Show(c *fiber.Ctx, p Page, body templ.Component) error {
	st := stateOf(c)
	v := view{Page: p, app: st.app, lang: st.lang, path: backPath(c), who: st.who(c)}
	if st.app.cfg.Nav != nil && !p.Public {
		v.nav = st.app.cfg.Nav(v.who)
	}
	v.notice = takeNotice(c)
	return render(c, v, body)
}

func render(c *fiber.Ctx, v view, body templ.Component) error {
	ctx := templ.WithChildren(Ctx(c), body)
	resp := c.Response()
	resp.ResetBody()
	if err := layout(v).Render(ctx, resp.BodyWriter()); err != nil {
		resp.ResetBody()
		return err
	}
	if v.Status != 0 {
		c.Status(v.Status)
	}
	resp.Header.SetContentType(fiber.MIMETextHTMLCharsetUTF8)
	return nil
}

// backPath is where the language switch returns to: this page, or for an
// answer to a form the page's own address.
func backPath(c *fiber.Ctx) string {
	path := c.Path()
	if c.Method() == fiber.MethodGet {
		if q := c.Request().URI().QueryString(); len(q) > 0 {
			path += "?" + string(q)
		}
	}
	return path
}

// SendFile answers with a file to keep, under a name of its own.
func SendFile(c *fiber.Ctx, name, contentType string, body []byte) error {
	c.Set(fiber.HeaderContentType, contentType)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+name+`"`)
	return c.Send(body)
}

// noticeCookie holds the notice of a redirect until the next page.
const noticeCookie = "besked"

// Redirect answers a POST: 303 to path, and a notice that is shown once on the
// next page ("" = none). The notice is Swedish and translated where shown; with
// arguments give T's answer. It must not hold personal data.
func Redirect(c *fiber.Ctx, path, notice string) error {
	if notice != "" {
		st := stateOf(c)
		st.app.cookies.Set(c, noticeCookie, base64.RawURLEncoding.EncodeToString([]byte(notice)), 2*time.Minute)
	}
	c.Status(fiber.StatusSeeOther).Set(fiber.HeaderLocation, path)
	return nil
}

func takeNotice(c *fiber.Ctx) string {
	cookies := stateOf(c).app.cookies
	raw := cookies.Get(c, noticeCookie)
	if raw == "" {
		return ""
	}
	cookies.Clear(c, noticeCookie)
	text, err := base64.RawURLEncoding.DecodeString(raw)
	if err != nil || len(text) > 500 {
		return ""
	}
	return T(Ctx(c), string(text))
}

// LocalPath is next if it is a path of this service, else fallback: for
// everything that redirects to where a query says.
func LocalPath(next, fallback string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return fallback
	}
	if u, err := url.Parse(next); err != nil || u.Host != "" || u.Scheme != "" {
		return fallback
	}
	return next
}

// PageAfter is the address of the page that continues a list, "" at its end. query
// is what else the page is asked with, or nil.
func PageAfter(path string, query url.Values, next string) string {
	if next == "" {
		return ""
	}
	if query == nil {
		query = url.Values{}
	}
	query.Set("efter", next)
	return path + "?" + query.Encode()
}

// thumbLinks is how many ways a phone's bottom bar holds; more are folded.
const thumbLinks = 5

// navClass: on a phone three to five ways lie under the thumb, more are folded,
// and fewer stay where they are.
func navClass(links int) string {
	switch {
	case links > thumbLinks:
		return "many"
	case links >= 3:
		return "thumb"
	}
	return ""
}

// SessionOwner stands for the person on a page, so that its script sees when
// somebody else has signed in in the same browser.
func SessionOwner(who halsocoach.Actor) string { return halsocoach.IDFrom("session owner", who.ID) }

// session is how long the session lasts, in whole seconds; zero for somebody who
// has not signed in, and for a page on the way in.
func (v view) session() (idle, longest int) {
	if v.app.cfg.Session == nil || !v.who.SignedIn() || v.Public {
		return 0, 0
	}
	i, l := v.app.cfg.Session(v.who)
	return int(i.Seconds()), int(l.Seconds())
}

func (v view) title(ctx context.Context) string {
	if v.Title == "" {
		return v.app.cfg.Name
	}
	return T(ctx, v.Title) + " – " + v.app.cfg.Name
}

// RoleName is what a role is called: "Hälsocoach".
func RoleName(ctx context.Context, r halsocoach.Role) string { return roleNames.Of(ctx, r) }

var roleNames = Texts[halsocoach.Role]{
	halsocoach.RoleCitizen:     "Invånare",
	halsocoach.RoleCoach:       "Hälsocoach",
	halsocoach.RoleCareCentre:  "Vårdcentral",
	halsocoach.RoleAssociation: "Förening",
	halsocoach.RoleKommun:      "Kommunens administratör",
	halsocoach.RoleRegion:      "Regionens administratör",
	halsocoach.RoleFamily:      "Samordnare för familjecentraler",
	halsocoach.RoleOperator:    "Drift",
}
