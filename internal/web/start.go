package web

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"halsocoach"
)

// start is the first page: what this is, and one next step.
func (a *App) start(c *fiber.Ctx) error {
	return a.cache.Show(c, "", Page{Active: "/"}, func() (templ.Component, error) {
		var first Link
		if who := Who(c); who.SignedIn() && a.cfg.Nav != nil {
			if nav := a.cfg.Nav(who); len(nav) > 0 {
				first = nav[0]
			}
		}
		return startPage(first), nil
	})
}

// topicIcons are drawn for the six topics.
var topicIcons = map[halsocoach.Topic]string{
	"mat": "mat", "sömn": "somn", "återhämtning": "aterhamtning",
	"fysisk aktivitet": "rorelse", "stresshantering": "stress", "kultur och fritid": "kultur",
}

// TopicName is a topic in the reader's words, with a capital letter.
func TopicName(ctx context.Context, t halsocoach.Topic) string {
	switch t {
	case "mat":
		return T(ctx, "Mat")
	case "sömn":
		return T(ctx, "Sömn")
	case "återhämtning":
		return T(ctx, "Återhämtning")
	case "fysisk aktivitet":
		return T(ctx, "Fysisk aktivitet")
	case "stresshantering":
		return T(ctx, "Stresshantering")
	case "kultur och fritid":
		return T(ctx, "Kultur och fritid")
	}
	return string(t)
}

// TopicIcon is the icon of a topic.
func TopicIcon(t halsocoach.Topic) string { return cmp.Or(topicIcons[t], "heart") }

// kommunerByName are the thirteen in alphabetical order. That of the bytes is
// the Swedish one as long as no two names differ by å against ä.
func kommunerByName() []halsocoach.Kommun {
	all := slices.Clone(halsocoach.Kommuner)
	slices.SortFunc(all, func(a, b halsocoach.Kommun) int { return strings.Compare(a.Name, b.Name) })
	return all
}
