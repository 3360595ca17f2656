package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/web"
)

// Login is one of a person's own sign-ins that is still open.
type Login struct {
	Ref    string
	Device string // "Chrome/Android", see deviceOf
	Way    string // the provider's title, "" for a link or the demo's door
	Began  time.Time
	Used   time.Time
	This   bool // the one that asks
}

// loginsAtMost bounds the list; nobody has that many open.
const loginsAtMost = 100

func loginRef(session string) string { return halsocoach.IDFrom("login", session) }

// Logins are the actor's own open sign-ins, the newest first.
func (s *Service) Logins(ctx context.Context, who halsocoach.Actor) ([]Login, error) {
	if !who.SignedIn() {
		return nil, halsocoach.ErrSignIn
	}
	found, err := s.sessionsOf(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	all := make([]Login, len(found))
	for i, d := range found {
		all[i] = Login{Ref: loginRef(d.ID), Device: d.Device, Began: d.Began, Used: d.Used, This: d.ID == who.Session}
		if d.Provider != "" {
			all[i].Way = s.titleOf(d.Provider)
		}
	}
	return all, nil
}

// sessionsOf are a person's open sessions, the newest first.
func (s *Service) sessionsOf(ctx context.Context, person string) ([]session, error) {
	found, _, err := s.sessions.Find(ctx, store.Query{Index: "person", Equal: []any{person}, Back: true, Limit: loginsAtMost})
	if err != nil {
		return nil, fmt.Errorf("read own sign-ins: %w", err)
	}
	now := s.cfg.Clock()
	open := found[:0]
	for _, d := range found {
		if !d.over(now, s.cfg.Limits) {
			open = append(open, d)
		}
	}
	return open, nil
}

// EndLogin ends one of the actor's own sign-ins. One that has ended already, or
// is somebody else's, is no fault and nothing happens.
func (s *Service) EndLogin(ctx context.Context, who halsocoach.Actor, ref string) error {
	if !who.SignedIn() {
		return halsocoach.ErrSignIn
	}
	found, err := s.sessionsOf(ctx, who.ID)
	if err != nil {
		return err
	}
	for _, d := range found {
		if loginRef(d.ID) == ref {
			return s.SignOut(ctx, d.ID)
		}
	}
	return nil
}

// EndOtherLogins ends all of the actor's own sign-ins but the one that asks.
func (s *Service) EndOtherLogins(ctx context.Context, who halsocoach.Actor) error {
	if !who.SignedIn() {
		return halsocoach.ErrSignIn
	}
	return s.endAll(ctx, who.ID, who.Session)
}

// endAll ends a person's sessions but one.
func (s *Service) endAll(ctx context.Context, person, but string) error {
	_, err := s.endFound(ctx, "person", person, but)
	return err
}

// endFound ends all sessions that an index finds but one, and counts them.
func (s *Service) endFound(ctx context.Context, index, value, but string) (n int, err error) {
	for d, err := range s.sessions.All(ctx, store.Query{Index: index, Equal: []any{value}}) {
		if err != nil {
			return n, fmt.Errorf("find the sessions to end: %w", err)
		}
		if d.ID == but {
			continue
		}
		if err := s.SignOut(ctx, d.ID); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// EndLogins ends every sign-in of a person, as when their numbers have come to lead
// to another id. Whoever asks has judged it.
func (s *Service) EndLogins(ctx context.Context, person string) error {
	return s.endAll(ctx, person, "")
}

// EndBond ends the sessions that a provider began and now ends: bond is one of
// their Bonds. It tells how many there were.
func (s *Service) EndBond(ctx context.Context, bond string) (int, error) {
	return s.endFound(ctx, "bond", bond, "")
}

// Left is how long the session of who still lasts when it is not used, and at
// the longest: for the warning on the page. Zero when it is not in memory here.
func (s *Service) Left(who halsocoach.Actor) (idle, longest time.Duration) {
	h, ok := s.cache.get(who.Session)
	if !ok || h.gone {
		return 0, 0
	}
	return s.left(h.doc)
}

func (s *Service) left(d session) (idle, longest time.Duration) {
	now := s.cfg.Clock()
	return max(0, d.Used.Add(s.cfg.Limits.Idle).Sub(now)), max(0, d.Ends.Sub(now))
}

// Stay marks the session as used now, and tells how long it lasts.
func (s *Service) Stay(ctx context.Context, who halsocoach.Actor) (idle, longest time.Duration, err error) {
	if !who.SignedIn() || who.Session == "" {
		return 0, 0, halsocoach.ErrSignIn
	}
	s.touch(ctx, who.Session, s.cfg.Clock())
	h, err := s.session(ctx, who.Session)
	if err != nil {
		return 0, 0, err
	}
	idle, longest = s.left(h.doc)
	return idle, longest, nil
}

type telling struct{ word, name string }

// The browsers and systems that a device is told by, the telling word first.
var (
	browsers = []telling{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS", "Firefox"},
		{"CriOS", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systems = []telling{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "Chromebook"}, {"Windows", "Windows"},
		{"Macintosh", "Mac"}, {"Linux", "Linux"},
	}
)

// deviceOf is what a browser's own words say about it, coarsely: "Chrome/Android".
// Nothing else of them is kept, and no address.
func deviceOf(userAgent string) string {
	return told(userAgent, browsers) + "/" + told(userAgent, systems)
}

func told(userAgent string, words []telling) string {
	i := slices.IndexFunc(words, func(t telling) bool { return strings.Contains(userAgent, t.word) })
	if i < 0 {
		return ""
	}
	return words[i].name
}

// loginsPage is where one sees and ends one's own sign-ins.
func (s *Service) loginsPage(c *fiber.Ctx) error {
	ctx, who := web.Ctx(c), web.Who(c)
	all, err := s.Logins(ctx, who)
	if err != nil {
		return err
	}
	var ways []Bound
	if m, ok := s.staff.Get(who.ID); ok {
		if ways, err = s.identitiesOf(ctx, m); err != nil {
			return err
		}
	}
	return web.Show(c, web.Page{Title: "Mina inloggningar"}, ownLogins(all, ways, s.cfg.Limits, web.NewForm(c)))
}

func (s *Service) endLogin(c *fiber.Ctx) error {
	err := s.EndLogin(web.Ctx(c), web.Who(c), web.ReadForm(c).Get("inloggning"))
	return web.Done(c, err, "/mina-inloggningar", "Inloggningen är avslutad.")
}

func (s *Service) endOtherLogins(c *fiber.Ctx) error {
	return web.Done(c, s.EndOtherLogins(web.Ctx(c), web.Who(c)), "/mina-inloggningar", "Du är utloggad överallt utom här.")
}

// remaining is what the page's script asks for, in whole seconds.
type remaining struct {
	Who     string `json:"who"` // see web.SessionOwner
	Idle    int    `json:"idle"`
	Longest int    `json:"longest"`
}

func inSeconds(who halsocoach.Actor, idle, longest time.Duration) remaining {
	return remaining{web.SessionOwner(who), int(idle / time.Second), int(longest / time.Second)}
}

// timeLeft tells how long the session lasts. To ask is not to use it.
func (s *Service) timeLeft(c *fiber.Ctx) error {
	v, ok := s.tokens.verify(s.cookies.Get(c, sessionCookie))
	if !ok {
		return halsocoach.ErrSignIn
	}
	h, err := s.session(web.Ctx(c), v.session)
	if err != nil {
		return err
	}
	who, err := s.actor(h, s.cfg.Clock())
	if err != nil {
		return err
	}
	idle, longest := s.left(h.doc)
	return c.JSON(inSeconds(who, idle, longest))
}

// stay keeps the session: for the script as JSON, else back to the page.
func (s *Service) stay(c *fiber.Ctx) error {
	idle, longest, err := s.Stay(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	if strings.Contains(c.Get(fiber.HeaderAccept), "json") {
		return c.JSON(inSeconds(web.Who(c), idle, longest))
	}
	return web.Redirect(c, web.LocalPath(web.ReadForm(c).Get("next"), "/mina-inloggningar"), "Du är kvar som inloggad.")
}
