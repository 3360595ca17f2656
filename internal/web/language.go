package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/text/language"

	"halsocoach/static"
)

// Swedish is the language of the service and the key of every catalogue.
const (
	Swedish = "sv"
	English = "en"
)

// Languages in the order of the switch, each with its own name for itself.
var languages = []struct{ Code, Name string }{{Swedish, "Svenska"}, {English, "English"}}

// catalogues are the merged lang/<language>/*.json, read once.
var catalogues = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, l := range languages {
		if l.Code == Swedish {
			continue
		}
		texts := map[string]string{}
		all[l.Code] = texts
		names, err := fs.Glob(static.Files, path.Join("lang", l.Code, "*.json"))
		if err != nil {
			panic("web: catalogues: " + err.Error())
		}
		for _, name := range names {
			body, err := fs.ReadFile(static.Files, name)
			if err == nil {
				err = json.Unmarshal(body, &texts)
			}
			if err != nil {
				panic("web: catalogue " + name + ": " + err.Error())
			}
		}
	}
	return all
})

// T is the text in the reader's language. The Swedish text is the key; args are
// put in as fmt.Sprintf does. A text without translation stays Swedish.
func T(ctx context.Context, swedish string, args ...any) string {
	text := swedish
	if lang := Language(ctx); lang != Swedish {
		if t, ok := catalogues()[lang][swedish]; ok {
			text = t
		}
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Texts are the Swedish texts of the values of K. The text of its zero value is also
// that of each value that is not there.
type Texts[K comparable] map[K]string

// Of is the text of k in the reader's language, "" if there is none.
func (t Texts[K]) Of(ctx context.Context, k K) string {
	text, ok := t[k]
	if !ok {
		var zero K
		text = t[zero]
	}
	return T(ctx, text)
}

type languageKey struct{}

// InLanguage is ctx for words outside a request: mail, SMS.
func InLanguage(ctx context.Context, lang string) context.Context {
	return context.WithValue(ctx, languageKey{}, lang)
}

// Language is "sv" or "en".
func Language(ctx context.Context) string {
	if st := stateIn(ctx); st != nil {
		return st.lang
	}
	if lang, ok := ctx.Value(languageKey{}).(string); ok {
		return lang
	}
	return Swedish
}

const languageCookie = "sprak"

func known(lang string) bool {
	for _, l := range languages {
		if l.Code == lang {
			return true
		}
	}
	return false
}

// languageOf is the chosen language, else the first of Accept-Language that we
// have, else Swedish.
func languageOf(c *fiber.Ctx) string {
	if chosen := c.Cookies(languageCookie); known(chosen) {
		return chosen
	}
	tags, _, _ := language.ParseAcceptLanguage(c.Get(fiber.HeaderAcceptLanguage))
	for _, tag := range tags { // the heaviest first
		if base, _ := tag.Base(); known(base.String()) {
			return base.String()
		}
	}
	return Swedish
}

func (a *App) switchLanguage(c *fiber.Ctx) error {
	if lang := c.FormValue("sprak"); known(lang) {
		c.Cookie(&fiber.Cookie{
			Name: languageCookie, Value: lang, Path: "/", MaxAge: 365 * 24 * 3600,
			HTTPOnly: true, SameSite: fiber.CookieSameSiteLaxMode, Secure: a.secure,
		})
	}
	return Redirect(c, LocalPath(c.FormValue("till"), "/"), "")
}
