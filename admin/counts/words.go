package counts

import (
	"context"
	"strings"

	"halsocoach"
	"halsocoach/internal/web"
)

// kindWords are what a kind counts, as a figure's label and a column's heading.
var kindWords = web.Texts[string]{
	halsocoach.CountReferral:   "Rekommendationer",
	halsocoach.CountFirstTalk:  "Inledande samtal",
	halsocoach.CountFollowUp:   "Uppföljande samtal",
	halsocoach.CountGroupDate:  "Gruppträffar",
	halsocoach.CountAttendance: "Deltaganden i grupp",
	halsocoach.CountChat:       "Chattkontakter",
	halsocoach.CountHandOver:   "Överlämningar till förening",
	"":                         "Avslutade",
}

func sourceWord(ctx context.Context, source string) string {
	switch source {
	case All:
		return web.T(ctx, "Alla")
	case "":
		return web.T(ctx, "Uppgift saknas")
	}
	return web.SourceName(ctx, halsocoach.Source(source))
}

func topicWord(ctx context.Context, topic string) string {
	if topic == "" {
		return web.T(ctx, "Uppgift saknas")
	}
	return web.TopicName(ctx, halsocoach.Topic(topic))
}

var sexWords = web.Texts[string]{
	"kvinna": "Kvinnor",
	"man":    "Män",
	All:      "Alla",
	"":       "Uppgift saknas",
}

func ageWord(ctx context.Context, age string) string {
	switch age {
	case All:
		return web.T(ctx, "Alla")
	case Unknown:
		return web.T(ctx, "Uppgift saknas")
	case "80-":
		return web.T(ctx, "80 år och äldre")
	}
	return web.T(ctx, "%s år", strings.ReplaceAll(age, "-", "–"))
}

func kommunWord(ctx context.Context, code string) string {
	if code == halsocoach.County {
		return web.T(ctx, "Hela länet")
	}
	return halsocoach.KommunName(code)
}

func periodWord(ctx context.Context, p Period) string {
	year := string(p[:4])
	switch {
	case len(p) == 4:
		return year
	case p[5] == 'Q':
		return web.T(ctx, "kvartal %s %s", string(p[6]), year)
	case p == half(yearOf(p), 0):
		return web.T(ctx, "första halvåret %s", year)
	case p[5] == 'H':
		return web.T(ctx, "andra halvåret %s", year)
	}
	return web.MonthName(ctx, Month(p).first().Start())
}

// said is a number as it is written, with a space between thousands.
func said(ctx context.Context, r Row) string {
	if r.N == nil {
		return web.T(ctx, "dolt")
	}
	return web.Number(*r.N)
}
