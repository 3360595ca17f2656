package inbox

import (
	"cmp"
	"context"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/referral/record"
)

// wasDecided says who decided what, in a sentence.
func wasDecided(ctx context.Context, name string, what record.Act) string {
	switch what {
	case record.Accept:
		return web.T(ctx, "%s har tagit emot rekommendationen.", name)
	case record.Decline:
		return web.T(ctx, "%s har tackat nej till rekommendationen.", name)
	}
	return web.T(ctx, "%s har skickat rekommendationen vidare.", name)
}

// goneName says how a sending came to hold no longer.
func goneName(ctx context.Context, g record.Gone) string {
	if g.How == record.Err {
		return web.T(ctx, "Skickad av misstag, sa avsändaren %s", web.Date(ctx, g.At))
	}
	return web.T(ctx, "Återkallad %s", web.Date(ctx, g.At))
}

// shownName is the row's name, or what stands for a person whose name is not
// shown.
func shownName(ctx context.Context, i Item) string {
	if i.Name == "" && i.Protected {
		return web.T(ctx, "Person med skyddade personuppgifter")
	}
	return record.Named(ctx, i.Name)
}

// stateWord is a state in an address.
var stateWord = map[string]record.State{
	"antagna": record.Accepted, "pagaende": record.Started, "avvisade": record.Declined, "vidaresanda": record.Forwarded,
	"avslutade": record.Ended, "aterkallade": record.Withdrawn, "felaktiga": record.Erred,
}

// decidedChoices are the lists of what is decided.
func decidedChoices(ctx context.Context) []web.Choice {
	return []web.Choice{
		{Value: "antagna", Label: web.T(ctx, "Antagna")}, {Value: "pagaende", Label: web.T(ctx, "Pågående")},
		{Value: "avvisade", Label: web.T(ctx, "Avvisade")}, {Value: "vidaresanda", Label: web.T(ctx, "Vidaresända")},
		{Value: "avslutade", Label: web.T(ctx, "Avslutade")}, {Value: "aterkallade", Label: web.T(ctx, "Återkallade")},
		{Value: "felaktiga", Label: web.T(ctx, "Skickade av misstag")},
	}
}

func sourceChoices(ctx context.Context) []web.Choice {
	ways := []halsocoach.Source{halsocoach.FromCareCentre, halsocoach.FromAssociation, halsocoach.FromSelf}
	return append([]web.Choice{{Label: web.T(ctx, "Alla")}}, web.Choices(ctx, ways, web.SourceName)...)
}

func languageChoices(ctx context.Context) []web.Choice {
	return append([]web.Choice{{Label: web.T(ctx, "Alla")}}, record.LanguageChoices(ctx)...)
}

func holderChoices(ctx context.Context) []web.Choice {
	return []web.Choice{{Label: web.T(ctx, "Alla")}, {Value: "mina", Label: web.T(ctx, "Mina")}, {Value: "ingen", Label: web.T(ctx, "Ingen har tagit")}}
}

// ageText says how long ago it came, in whole days.
func ageText(ctx context.Context, received, now time.Time) string {
	switch days := halsocoach.DayOf(received).Until(halsocoach.DayOf(now)); days {
	case 0:
		return web.T(ctx, "Kom i dag")
	case 1:
		return web.T(ctx, "Kom i går")
	default:
		return web.T(ctx, "Kom för %d dagar sedan", days)
	}
}

// untouchedText says how many nobody has taken in time.
func untouchedText(ctx context.Context, n int) string {
	switch {
	case n == 1:
		return web.T(ctx, "1 person har väntat längre än ni har lovat, och ingen har tagit hand om den.")
	case n >= 100:
		return web.T(ctx, "Minst 100 personer har väntat längre än ni har lovat, och ingen har tagit hand om dem.")
	}
	return web.T(ctx, "%d personer har väntat längre än ni har lovat, och ingen har tagit hand om dem.", n)
}

func wayName(ctx context.Context, w record.Way) string { return wayNames.Of(ctx, w) }

var wayNames = web.Texts[record.Way]{
	record.ByPhone:  "Ringde",
	record.BySMS:    "Skickade sms",
	record.InPerson: "På plats",
	record.ByMail:   "Mejlade",
	"":              "Skickade brev",
}

func resultName(ctx context.Context, r record.Result) string { return resultNames.Of(ctx, r) }

var resultNames = web.Texts[record.Result]{
	record.Reached:   "Nådde personen",
	record.AskedBack: "Bad oss återkomma",
	"":               "Inget svar",
}

// timesDays are free times by day, to choose among.
func timesDays(ctx context.Context, times []Time) []web.SlotDay {
	var out []web.SlotDay
	for _, t := range times {
		title := web.Date(ctx, t.Starts)
		if len(out) == 0 || out[len(out)-1].Title != title {
			out = append(out, web.SlotDay{Title: title})
		}
		day := &out[len(out)-1]
		day.Slots = append(day.Slots, web.Choice{Value: timeValue(t), Label: web.ClockTime(t.Starts), Hint: formName(ctx, t.Form)})
	}
	return out
}

func formName(ctx context.Context, form string) string {
	switch form {
	case "telefon":
		return web.T(ctx, "Telefon")
	case "video":
		return web.T(ctx, "Video")
	}
	return web.T(ctx, "På plats")
}

// colleagueChoices are the coaches to give it to, except one.
func colleagueChoices(ctx context.Context, all []halsocoach.StaffMember, except string) []web.Choice {
	out := []web.Choice{{Label: web.T(ctx, "Välj hälsocoach")}}
	for _, m := range slices.SortedFunc(slices.Values(all), func(a, b halsocoach.StaffMember) int { return cmp.Compare(a.Name, b.Name) }) {
		if m.ID != except {
			out = append(out, web.Choice{Value: m.ID, Label: m.Name})
		}
	}
	return out
}

// forgottenText is the number, or that it is too small to be shown.
func forgottenText(ctx context.Context, f Forgotten) string {
	switch {
	case f.Hidden:
		return web.T(ctx, "För få för att visa")
	case f.N >= 1000:
		return web.T(ctx, "Minst 1000")
	}
	return web.Number(f.N)
}

// alikeText says how many here may be the same person.
func alikeText(ctx context.Context, n int) string {
	if n == 1 {
		return web.T(ctx, "En person här har samma namn, telefon eller e-post.")
	}
	return web.T(ctx, "%d personer här har samma namn, telefon eller e-post.", n)
}

// matchChoices are the people to choose among, with what one recognises them by.
func matchChoices(ctx context.Context, all []Match) []web.Choice {
	var out []web.Choice
	for _, m := range all {
		var same string
		switch {
		case m.ByName && m.ByPhone:
			same = web.T(ctx, "Samma namn, och samma telefon eller e-post.")
		case m.ByPhone:
			same = web.T(ctx, "Samma telefon eller e-post.")
		default:
			same = web.T(ctx, "Samma namn.")
		}
		hint := same + " " + web.T(ctx, "Rekommenderad %s.", web.LongDate(ctx, m.Since))
		if m.Coach != "" {
			hint += " " + web.T(ctx, "Hos %s.", m.Coach)
		}
		if m.HasNumber {
			hint += " " + web.T(ctx, "Har personnummer här.")
		}
		out = append(out, web.Choice{Value: m.Referral, Label: record.Named(ctx, m.Name), Hint: hint})
	}
	return out
}

// wantsText is what the person wants, as far as it has been said.
func wantsText(ctx context.Context, i Item) string {
	if i.CallMe {
		return web.T(ctx, "Vill bli uppringd")
	}
	return web.TopicNames(ctx, i.Topics)
}

// asksForCall says whether the words are those of somebody who has only asked to be
// called.
func asksForCall(w Words) bool { return w.From.Consent.Asked == "" }

// wasAsked says whether somebody has asked the person, who said yes. Who gets in
// touch on their own is asked by nobody.
func wasAsked(v View, w Words) bool {
	return !asksForCall(w) && !v.Person.Has(w.From.Consent.Asked)
}

// fromText is from whom the words are.
func fromText(ctx context.Context, w Words) string {
	if w.From.Source == halsocoach.FromSelf {
		return web.T(ctx, "personen själv")
	}
	return cmp.Or(w.Unit, web.SourceName(ctx, w.From.Source))
}

// cameText is what the sender did.
func cameText(ctx context.Context, w Words) string {
	switch {
	case asksForCall(w):
		return web.T(ctx, "Bad er ringa")
	case w.From.Source == halsocoach.FromSelf:
		return web.T(ctx, "Hörde av sig")
	}
	return web.T(ctx, "Rekommenderad")
}

// talkTitle says which talk is booked.
func talkTitle(ctx context.Context, a halsocoach.Appointment) string {
	if a.What == "first" {
		return web.T(ctx, "Första samtalet är bokat")
	}
	return web.T(ctx, "Nästa samtal är bokat")
}

// talkWhen is when and where it is.
func talkWhen(ctx context.Context, a halsocoach.Appointment) string {
	when := web.T(ctx, "Det är %s.", web.DateTime(ctx, a.Starts))
	if a.Place == "" {
		return when
	}
	return when + " " + web.T(ctx, a.Place) + "."
}
