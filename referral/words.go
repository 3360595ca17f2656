package referral

import (
	"context"
	"strings"

	"halsocoach"
	"halsocoach/internal/web"
)

// topicName is a topic as it is said to people.
func topicName(ctx context.Context, t halsocoach.Topic) string {
	switch t {
	case "mat":
		return web.T(ctx, "Mat")
	case "sömn":
		return web.T(ctx, "Sömn")
	case "återhämtning":
		return web.T(ctx, "Återhämtning")
	case "fysisk aktivitet":
		return web.T(ctx, "Fysisk aktivitet")
	case "stresshantering":
		return web.T(ctx, "Stresshantering")
	}
	return web.T(ctx, "Kultur och fritid")
}

func topicNames(ctx context.Context, topics []halsocoach.Topic) string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = topicName(ctx, t)
		if i > 0 {
			names[i] = strings.ToLower(names[i])
		}
	}
	return strings.Join(names, ", ")
}

func topicChoices(ctx context.Context) []web.Choice {
	var out []web.Choice
	for _, t := range halsocoach.Topics {
		out = append(out, web.Choice{Value: string(t), Label: topicName(ctx, t)})
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

// stateMeaning says a state to the one who recommended, in a line: two of the
// words are easily taken for each other.
func stateMeaning(ctx context.Context, s State) string {
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

func reasonName(ctx context.Context, r Reason) string {
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

func reasonChoices(ctx context.Context) []web.Choice {
	var out []web.Choice
	for _, r := range Reasons {
		out = append(out, web.Choice{Value: string(r), Label: reasonName(ctx, r)})
	}
	return out
}

func sourceName(ctx context.Context, s halsocoach.Source) string {
	switch s {
	case halsocoach.FromCareCentre:
		return web.T(ctx, "Vårdcentral")
	case halsocoach.FromAssociation:
		return web.T(ctx, "Förening")
	}
	return web.T(ctx, "Egen kontakt")
}

// wasDecided says who decided what, in a sentence.
func wasDecided(ctx context.Context, name string, what Act) string {
	switch what {
	case Accept:
		return web.T(ctx, "%s har tagit emot rekommendationen.", name)
	case Decline:
		return web.T(ctx, "%s har tackat nej till rekommendationen.", name)
	}
	return web.T(ctx, "%s har skickat rekommendationen vidare.", name)
}

// named is the name, or what is said once the person's key has been destroyed.
func named(ctx context.Context, name string) string {
	return orElse(name, web.T(ctx, "Uppgifterna är borttagna"))
}

// shownName is the row's name, or what stands for a person whose name is not
// shown.
func shownName(ctx context.Context, i Item) string {
	if i.Name == "" && i.Protected {
		return web.T(ctx, "Person med skyddade personuppgifter")
	}
	return named(ctx, i.Name)
}

// endedName is the class of end, as package citizen names it.
func endedName(ctx context.Context, class string) string {
	switch class {
	case "goals_reached":
		return web.T(ctx, "Målen är nådda")
	case "handed_over":
		return web.T(ctx, "Fortsätter i en förening")
	case "own_wish":
		return web.T(ctx, "Egen önskan")
	case "moved":
		return web.T(ctx, "Har flyttat")
	case "no_contact":
		return web.T(ctx, "Kontakten har upphört")
	}
	return web.T(ctx, "Annat skäl")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
