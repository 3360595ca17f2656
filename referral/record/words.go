package record

import (
	"cmp"
	"context"
	"strings"

	"halsocoach"
	"halsocoach/internal/web"
)

// stateNames are the states as they are said to people.
var stateNames = web.Texts[State]{
	Received: "Mottagen", Taken: "Hos en hälsocoach", OnHold: "Vilar", Accepted: "Antagen", Started: "Påbörjad",
	Ended: "Avslutad", Declined: "Avvisad", Forwarded: "Vidaresänd", Withdrawn: "Återkallad", Erred: "Skickad av misstag",
}

// looks are how the tag of a state looks, with the icon before its word.
var looks = map[State]struct{ kind, icon string }{
	Received: {"warm", "clock"}, Taken: {"warm", "clock"}, OnHold: {"", "clock"}, Accepted: {"good", "check"}, Started: {"good", "steps"},
	Ended: {"", "leaf"}, Declined: {"", "close"}, Forwarded: {"", "arrow"}, Withdrawn: {"", "close"}, Erred: {"wrong", "close"},
}

// StateMeaning says a state to the one who recommended, in a line: two of the
// words are easily taken for each other.
func StateMeaning(ctx context.Context, s State) string { return stateMeanings.Of(ctx, s) }

var stateMeanings = web.Texts[State]{
	Received:  "Väntar på hälsocoachens beslut.",
	Taken:     "En hälsocoach har tagit hand om den och hör av sig till personen.",
	OnHold:    "Personen har bett att få vänta en tid.",
	Withdrawn: "Den är återkallad. Ingen hör av sig till personen.",
	Erred:     "Den skickades av misstag och gäller inte.",
	Accepted:  "Personen är välkommen och har fått en hälsocoach.",
	Declined:  "Hälsocentret kunde inte ta emot personen.",
	Forwarded: "Ligger nu hos ett annat Hälsocenter.",
	Started:   "Arbetet tillsammans har börjat.",
	"":        "Arbetet tillsammans är avslutat.",
}

// ReasonName says why a recommendation was declined.
func ReasonName(ctx context.Context, r Reason) string { return reasonNames.Of(ctx, r) }

var reasonNames = web.Texts[Reason]{
	Full:           "Det är fullt hos oss just nu",
	NotTargetGroup: "Personen hör inte till målgruppen",
	NoContact:      "Vi får inte kontakt med personen",
	NotWanted:      "Personen vill inte",
	"":             "Annat skäl",
}

// languages are those that can be chosen, as BCP 47 writes them; the many
// first. What another program has sent is shown as it was written.
var languages = []string{"sv", "ar", "bs", "fa", "prs", "en", "fi", "pl", "so", "es", "ti", "uk", "swl"}

// LanguageName is a language as it is said to people; "" is Swedish.
func LanguageName(ctx context.Context, tag string) string {
	return cmp.Or(languageNames.Of(ctx, cmp.Or(tag, "sv")), tag)
}

var languageNames = web.Texts[string]{
	"sv": "Svenska", "ar": "Arabiska", "bs": "Bosniska, kroatiska eller serbiska", "fa": "Persiska", "prs": "Dari", "en": "Engelska",
	"fi": "Finska", "pl": "Polska", "so": "Somaliska", "es": "Spanska", "ti": "Tigrinska", "uk": "Ukrainska", "swl": "Svenskt teckenspråk",
}

// LanguageChoices are the languages to choose among.
func LanguageChoices(ctx context.Context) []web.Choice {
	return web.Choices(ctx, languages, LanguageName)
}

// Spoken is the language, with the interpreter if one is needed.
func Spoken(ctx context.Context, tag string, interpreter bool) string {
	if interpreter {
		return web.T(ctx, "%s, med tolk", LanguageName(ctx, tag))
	}
	return LanguageName(ctx, tag)
}

// Named is the name, or what is said once the person's key has been destroyed.
func Named(ctx context.Context, name string) string {
	if name == "" {
		return web.T(ctx, "Uppgifterna är borttagna")
	}
	return name
}

// WaitText says how long people wait for a first talk at a centre, as far as it
// is known.
func WaitText(ctx context.Context, w halsocoach.Wait, known bool) string {
	if !known {
		return web.T(ctx, "Väntetid till första samtalet: för få för att visa.")
	}
	return web.T(ctx, "Hälften får sitt första samtal inom %s, 8 av 10 inom %s (senaste %d dagarna).", within(ctx, w.Median), within(ctx, w.P80), w.Window)
}

// waitNow says how many wait now, and how long they have; "" when they are too
// few.
func waitNow(ctx context.Context, w halsocoach.Wait) string {
	if w.Waiting == nil || w.WaitingMedian == nil {
		return ""
	}
	return web.T(ctx, "Just nu väntar %d personer. Hälften av dem har väntat högst %s än så länge.", *w.Waiting, within(ctx, *w.WaitingMedian))
}

// within is a number of days; the same day is within one day.
func within(ctx context.Context, n int) string {
	if n <= 1 {
		return web.T(ctx, "en dag")
	}
	return web.T(ctx, "%d dagar", n)
}

// NotTaken says that the centre does not take in those who live there, and which
// do. It is in the reader's language.
func NotTaken(ctx context.Context, centres []string) string {
	if len(centres) == 0 {
		return web.T(ctx, "Det Hälsocentret tar bara emot dem som bor i kommunen, och inget annat tar emot därifrån än.")
	}
	return web.T(ctx, "Det Hälsocentret tar bara emot dem som bor i kommunen. Dessa tar emot därifrån: %s.", strings.Join(centres, ", "))
}

// ReachedBy is how the person can be reached.
func ReachedBy(n NewReferral) string {
	number := web.Phone(n.Phone)
	if number != "" && n.Email != "" {
		return number + ", " + n.Email
	}
	return number + n.Email
}

// KommunChoices are where somebody may live.
func KommunChoices(ctx context.Context) []web.Choice {
	return append(web.KommunChoices(), web.Choice{Value: halsocoach.County, Label: web.T(ctx, "Någon annanstans")})
}

// CentreChoices are the centres that take people in, except one.
func (s *Records) CentreChoices(ctx context.Context, except string) ([]web.Choice, error) {
	open, err := s.CentresFor(ctx, "")
	if err != nil {
		return nil, err
	}
	choices := []web.Choice{{Value: "", Label: web.T(ctx, "Välj Hälsocenter")}}
	for _, o := range open {
		if o.Manned && o.Code != except {
			choices = append(choices, web.Choice{Value: o.Code, Label: o.Name})
		}
	}
	return choices, nil
}
