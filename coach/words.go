package coach

import (
	"context"
	"strings"

	"halsocoach"
	"halsocoach/internal/web"
)

var formTexts = web.Texts[Form]{
	ByPhone: "Telefon",
	ByVideo: "Video",
	"":      "På plats",
}

var kindTexts = web.Texts[Kind]{
	FollowUp: "Uppföljande samtal",
	"":       "Inledande samtal",
}

var outcomeTexts = web.Texts[Outcome]{
	Held:      "Hållet",
	Missed:    "Uteblev",
	Cancelled: "Avbokat",
	NotYet:    "Bokat",
}

func outcomeTag(o Outcome) string {
	switch o {
	case Held:
		return "good"
	case Missed:
		return "warm"
	case Cancelled:
		return "wrong"
	}
	return "strong"
}

// formIcon is the icon beside where a talk is held.
func formIcon(f Form) string {
	switch f {
	case ByPhone:
		return "phone"
	case ByVideo:
		return "video"
	}
	return "place"
}

// placeText says to a person where their talk is held, and who calls whom.
func placeText(ctx context.Context, b Choice) string {
	switch {
	case b.Form == ByPhone && b.Phone != "":
		return web.T(ctx, "På telefon. Din hälsocoach ringer upp dig på %s.", web.Phone(b.Phone))
	case b.Form == ByPhone:
		return web.T(ctx, "På telefon. Din hälsocoach ringer upp dig.")
	case b.Form == ByVideo:
		return web.T(ctx, "Videosamtal")
	}
	return b.Place
}

// dueText is by when: the hour only where hours are counted.
func dueText(ctx context.Context, d Duty) string {
	if d.What == FirstContact {
		return web.Date(ctx, d.Due)
	}
	return web.DateTime(ctx, d.Due)
}

// weekdayText is "måndag".
func weekdayText(ctx context.Context, day int) string {
	monday := halsocoach.Day("2026-11-23")
	name, _, _ := strings.Cut(web.Date(ctx, monday.Plus(day).At(720)), " ")
	return name
}

func formChoices(ctx context.Context) []web.Choice {
	return web.Choices(ctx, Forms, formTexts.Of)
}

// newsText says what a citizen has done.
func newsText(ctx context.Context, t Talk) string {
	switch {
	case t.Outcome == Cancelled:
		return web.T(ctx, "Avbokat")
	case t.Move > 0:
		return web.T(ctx, "Ny tid")
	}
	return web.T(ctx, "Ny bokning")
}

// dayTitle is the date, and whether it is today.
func dayTitle(ctx context.Context, d, today halsocoach.Day) string {
	if d == today {
		return web.T(ctx, "I dag, %s", web.Date(ctx, d.Start()))
	}
	return web.Date(ctx, d.Start())
}
