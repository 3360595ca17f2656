package record

import (
	"context"
	"strings"

	"halsocoach"
	"halsocoach/internal/web"
)

// TopicNames are topics in a sentence.
func TopicNames(ctx context.Context, topics []halsocoach.Topic) string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = web.TopicName(ctx, t)
		if i > 0 {
			names[i] = strings.ToLower(names[i])
		}
	}
	return strings.Join(names, ", ")
}

// TopicChoices are the topics to choose among.
func TopicChoices(ctx context.Context) []web.Choice {
	var out []web.Choice
	for _, t := range halsocoach.Topics {
		out = append(out, web.Choice{Value: string(t), Label: web.TopicName(ctx, t)})
	}
	return out
}

// stateName is a state as it is said to people, with the look of its tag.
func stateName(ctx context.Context, s State) (kind, text string) {
	switch s {
	case Received:
		return "warm", web.T(ctx, "Mottagen")
	case Taken:
		return "warm", web.T(ctx, "Hos en hälsocoach")
	case OnHold:
		return "", web.T(ctx, "Vilar")
	case Withdrawn:
		return "", web.T(ctx, "Återkallad")
	case Erred:
		return "wrong", web.T(ctx, "Skickad av misstag")
	case Accepted:
		return "good", web.T(ctx, "Antagen")
	case Declined:
		return "", web.T(ctx, "Avvisad")
	case Forwarded:
		return "", web.T(ctx, "Vidaresänd")
	case Started:
		return "good", web.T(ctx, "Påbörjad")
	}
	return "", web.T(ctx, "Avslutad")
}

// stateIcon stands before a state's word.
func stateIcon(s State) string {
	switch s {
	case Received, Taken, OnHold:
		return "clock"
	case Withdrawn, Erred:
		return "close"
	case Accepted:
		return "check"
	case Declined:
		return "close"
	case Forwarded:
		return "arrow"
	case Started:
		return "steps"
	}
	return "leaf"
}

// StateMeaning says a state to the one who recommended, in a line: two of the
// words are easily taken for each other.
func StateMeaning(ctx context.Context, s State) string {
	switch s {
	case Received:
		return web.T(ctx, "Väntar på hälsocoachens beslut.")
	case Taken:
		return web.T(ctx, "En hälsocoach har tagit hand om den och hör av sig till personen.")
	case OnHold:
		return web.T(ctx, "Personen har bett att få vänta en tid.")
	case Withdrawn:
		return web.T(ctx, "Den är återkallad. Ingen hör av sig till personen.")
	case Erred:
		return web.T(ctx, "Den skickades av misstag och gäller inte.")
	case Accepted:
		return web.T(ctx, "Personen är välkommen och har fått en hälsocoach.")
	case Declined:
		return web.T(ctx, "Hälsocentret kunde inte ta emot personen.")
	case Forwarded:
		return web.T(ctx, "Ligger nu hos ett annat Hälsocenter.")
	case Started:
		return web.T(ctx, "Arbetet tillsammans har börjat.")
	}
	return web.T(ctx, "Arbetet tillsammans är avslutat.")
}

// ReasonName says why a recommendation was declined.
func ReasonName(ctx context.Context, r Reason) string {
	switch r {
	case Full:
		return web.T(ctx, "Det är fullt hos oss just nu")
	case NotTargetGroup:
		return web.T(ctx, "Personen hör inte till målgruppen")
	case NoContact:
		return web.T(ctx, "Vi får inte kontakt med personen")
	case NotWanted:
		return web.T(ctx, "Personen vill inte")
	}
	return web.T(ctx, "Annat skäl")
}

// languages are those that can be chosen, as BCP 47 writes them; the many
// first. What another program has sent is shown as it was written.
var languages = []string{"sv", "ar", "bs", "fa", "prs", "en", "fi", "pl", "so", "es", "ti", "uk", "swl"}

// LanguageName is a language as it is said to people; "" is Swedish.
func LanguageName(ctx context.Context, tag string) string {
	switch tag {
	case "", "sv":
		return web.T(ctx, "Svenska")
	case "ar":
		return web.T(ctx, "Arabiska")
	case "bs":
		return web.T(ctx, "Bosniska, kroatiska eller serbiska")
	case "fa":
		return web.T(ctx, "Persiska")
	case "prs":
		return web.T(ctx, "Dari")
	case "en":
		return web.T(ctx, "Engelska")
	case "fi":
		return web.T(ctx, "Finska")
	case "pl":
		return web.T(ctx, "Polska")
	case "so":
		return web.T(ctx, "Somaliska")
	case "es":
		return web.T(ctx, "Spanska")
	case "ti":
		return web.T(ctx, "Tigrinska")
	case "uk":
		return web.T(ctx, "Ukrainska")
	case "swl":
		return web.T(ctx, "Svenskt teckenspråk")
	}
	return tag
}

// LanguageChoices are the languages to choose among.
func LanguageChoices(ctx context.Context) []web.Choice {
	var out []web.Choice
	for _, tag := range languages {
		out = append(out, web.Choice{Value: tag, Label: LanguageName(ctx, tag)})
	}
	return out
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

// Days is a number of days in words.
func Days(ctx context.Context, n int) string {
	if n == 1 {
		return web.T(ctx, "1 dag")
	}
	return web.T(ctx, "%d dagar", n)
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
	var out []web.Choice
	for _, k := range halsocoach.Kommuner {
		out = append(out, web.Choice{Value: k.Code, Label: k.Name})
	}
	return append(out, web.Choice{Value: halsocoach.County, Label: web.T(ctx, "Någon annanstans")})
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
