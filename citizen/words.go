package citizen

import (
	"context"
	"strconv"

	"halsocoach"
	"halsocoach/internal/web"
)

// outcomeName is how it went, in a word, with the look of its tag.
func outcomeName(ctx context.Context, o Outcome) (kind, text string) {
	switch o {
	case "done":
		return "good", web.T(ctx, "Gjort")
	case "partly":
		return "warm", web.T(ctx, "Delvis")
	}
	return "", web.T(ctx, "Inte nu")
}

func outcomeChoices(ctx context.Context) []web.Choice {
	return []web.Choice{
		{Value: "done", Label: web.T(ctx, "Gjort"), Hint: web.T(ctx, "Det blev av.")},
		{Value: "partly", Label: web.T(ctx, "Delvis"), Hint: web.T(ctx, "En bit på väg räknas.")},
		{Value: "notnow", Label: web.T(ctx, "Inte nu"), Hint: web.T(ctx, "Det är helt okej. Steget finns kvar.")},
	}
}

// stepChoices are a goal's steps, and the goal as a whole.
func stepChoices(ctx context.Context, v GoalView) []web.Choice {
	var out []web.Choice
	for i, words := range v.Steps {
		out = append(out, web.Choice{Value: strconv.Itoa(i + 1), Label: words})
	}
	return append(out, web.Choice{Value: "0", Label: web.T(ctx, "Målet som helhet")})
}

// stepName is which step a check-in is about.
func stepName(ctx context.Context, v GoalView, step int) string {
	if step >= 1 && step <= len(v.Steps) {
		return v.Steps[step-1]
	}
	return web.T(ctx, "Målet som helhet")
}

var classNames = web.Texts[Class]{
	"goals_reached": "Målen är nådda",
	"handed_over":   "Fortsätter i en förening",
	"own_wish":      "Egen önskan",
	"moved":         "Har flyttat",
	"no_contact":    "Kontakten har upphört",
	"":              "Annat skäl",
}

func classChoices(ctx context.Context) []web.Choice {
	return web.Choices(ctx, Classes, classNames.Of)
}

func whyChoices(ctx context.Context) []web.Choice {
	return []web.Choice{
		{Value: "talk", Label: web.T(ctx, "Boka, ändra eller hålla ett samtal")},
		{Value: "asked", Label: web.T(ctx, "Personen har bett mig höra av mig")},
		{Value: "worry", Label: web.T(ctx, "Jag är orolig för personen")},
		{Value: "other", Label: web.T(ctx, "Annat skäl")},
	}
}

var talkNames = web.Texts[string]{
	"first": "Inledande samtal",
	"":      "Uppföljande samtal",
}

// whatName is what a person has agreed to come to: a talk by its kind, anything
// else by its own title.
func whatName(ctx context.Context, a halsocoach.Appointment) string {
	if a.What == "first" || a.What == "followup" {
		return talkNames.Of(ctx, a.What)
	}
	return a.Title
}

// placeName is a place, where the two that are not places have their words.
func placeName(ctx context.Context, place string) string {
	switch place {
	case "Telefon":
		return web.T(ctx, "Telefon")
	case "Video":
		return web.T(ctx, "Video")
	}
	return place
}

// placeIcon is the icon before a place.
func placeIcon(place string) string {
	switch place {
	case "Telefon":
		return "phone"
	case "Video":
		return "video"
	}
	return "place"
}

// talkWords are the heading and the sentence about the talk that is coming: two
// who meet by phone or video do not see each other in a room.
func talkWords(ctx context.Context, a halsocoach.Appointment) (title, text string) {
	when := web.Span(ctx, a.Starts, a.Ends)
	if placeIcon(a.Place) != "place" {
		return web.T(ctx, "Snart hörs ni"), web.T(ctx, "Ni hörs %s. Vill du fråga något innan, så skriv.", when)
	}
	return web.T(ctx, "Snart ses ni"), web.T(ctx, "Ni ses %s. Vill du fråga något innan, så skriv.", when)
}

// named is the name, or what is said once the person's key has been destroyed.
func named(ctx context.Context, name string) string {
	if name == "" {
		return web.T(ctx, "Uppgifterna är borttagna")
	}
	return name
}

// messagesPath is where the person's messages are.
func messagesPath(h Home) string {
	if h.Unread.Path != "" {
		return h.Unread.Path
	}
	return "/chatt"
}

func unreadWords(ctx context.Context, n int) string {
	return web.Plural(n, web.T(ctx, "Du har ett nytt meddelande"), web.T(ctx, "Du har %d nya meddelanden", n))
}

func firstTalkWords(ctx context.Context, h Home) string {
	if h.CoachName == "" {
		return web.T(ctx, "Samtalet är gratis, och du väljer själv tid.")
	}
	return web.T(ctx, "Du får träffa %s. Samtalet är gratis, och du väljer själv tid.", h.CoachName)
}
