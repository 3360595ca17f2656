package web

import (
	"bytes"
	"container/list"
	"sync"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"
)

// Cached keeps the rendered bytes of public pages, compressed once, for
// visitors who carry no cookie of ours. Everybody else gets the page rendered
// for them.
//
//	pages := web.NewCached(200)
//	return pages.Show(c, s.version(), web.Page{Title: "Gruppaktiviteter"}, func() (templ.Component, error) {
//		list, err := s.Programme(web.Ctx(c), web.Who(c), filter)
//		return programme(list), err
//	})
//
// The version says what the page shows: a counter that moves with every change,
// and the day where the page depends on it. The address, with its query, and the
// language are part of the key without asking.
type Cached struct {
	mu    sync.Mutex
	max   int
	pages map[pageKey]*list.Element
	order *list.List // the page used last is in front
}

// pageLevel compresses a page well in a millisecond or two.
const pageLevel = 6

type pageKey struct{ url, lang string }

type cachedPage struct {
	key     pageKey
	version string
	etag    string
	body    encoded
}

// NewCached keeps at most max pages.
func NewCached(max int) *Cached {
	return &Cached{max: max, pages: map[pageKey]*list.Element{}, order: list.New()}
}

// Show sends the page of this version, from memory if it is there, with an ETag
// so that an unchanged page is 304. body is asked only when it must be rendered.
func (k *Cached) Show(c *fiber.Ctx, version string, p Page, body func() (templ.Component, error)) error {
	if !anonymous(c) || (p.Status != 0 && p.Status != fiber.StatusOK) {
		component, err := body()
		if err != nil {
			return err
		}
		return Show(c, p, component)
	}
	key := pageKey{string(c.Request().RequestURI()), stateOf(c).lang}
	page := k.find(key, version)
	if page == nil {
		component, err := body()
		if err != nil {
			return err
		}
		if err := Show(c, p, component); err != nil {
			return err
		}
		sent := append([]byte(nil), c.Response().Body()...)
		page = &cachedPage{key: key, version: version, etag: `W/"` + sumOf(sent) + `"`, body: encode(sent, pageLevel)}
		k.keep(page)
	}
	page.send(c)
	return nil
}

// anonymous: nothing in the request says who asks or what was just done.
func anonymous(c *fiber.Ctx) bool {
	h := &c.Request().Header
	return !carriesSession(c) && stateOf(c).app.cookies.Get(c, noticeCookie) == "" && len(h.Peek(fiber.HeaderAuthorization)) == 0
}

func (k *Cached) find(key pageKey, version string) *cachedPage {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.pages[key]
	if e == nil {
		return nil
	}
	page := e.Value.(*cachedPage)
	if page.version != version {
		return nil
	}
	k.order.MoveToFront(e)
	return page
}

func (k *Cached) keep(page *cachedPage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.pages[page.key]; e != nil {
		e.Value = page
		k.order.MoveToFront(e)
		return
	}
	k.pages[page.key] = k.order.PushFront(page)
	for k.order.Len() > k.max {
		last := k.order.Back()
		k.order.Remove(last)
		delete(k.pages, last.Value.(*cachedPage).key)
	}
}

func (p *cachedPage) send(c *fiber.Ctx) {
	h := &c.Response().Header
	h.SetContentType(fiber.MIMETextHTMLCharsetUTF8)
	h.Set(fiber.HeaderCacheControl, "private, no-cache")
	h.Set(fiber.HeaderETag, p.etag)
	h.Set(fiber.HeaderVary, "Cookie, Accept-Language")
	if bytes.Contains(c.Request().Header.Peek(fiber.HeaderIfNoneMatch), []byte(p.etag)) {
		c.Response().ResetBody()
		c.Status(fiber.StatusNotModified)
		return
	}
	p.body.send(c)
}
