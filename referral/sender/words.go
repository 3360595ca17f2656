package sender

import (
	"context"
	"time"
	"unicode"
	"unicode/utf8"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/referral/record"
)

// answerNames are the fields of the sender's form, in its order.
var answerNames = []string{"name", "personnummer", "phone", "email", "language", "interpreter", "protected", "topics", "wants", "note", "kommun", "centre",
	"consent", "consentOn", "consentScope"}

// againWords say that the sender has recommended the person already, and when.
func againWords(ctx context.Context, p Preview, o record.SenderView, today bool) string {
	if today {
		return web.T(ctx, "Du har redan rekommenderat %s till %s i dag", p.Asked.Name, o.CentreName)
	}
	return web.T(ctx, "Du har redan rekommenderat %s till %s den %s", p.Asked.Name, o.CentreName, web.LongDate(ctx, o.Received))
}

// numberShown is an identity number as it is written, for one to look at.
func numberShown(written string, now time.Time) string {
	n, err := halsocoach.ParseNumber(written, now)
	if err != nil {
		return written
	}
	digits := n.Digits()
	return digits[:8] + "-" + digits[8:]
}

func consentWords(ctx context.Context, o record.SenderView) string {
	if o.MayWithdraw {
		return web.T(ctx, "Då återkallas rekommendationen, och ingen hör av sig till personen.")
	}
	return web.T(ctx, "Då ser du inte längre hur det går. Personens kontakt med Hälsocenter fortsätter som personen själv vill.")
}

// lower begins a text in small, for the middle of a sentence.
func lower(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToLower(r)) + text[n:]
}

// scopeName is what the sender may see afterwards.
func scopeName(ctx context.Context, s record.Scope) string {
	if s == record.ScopeTalks {
		return web.T(ctx, "Hur det går i stort, och om det första samtalet är bokat och blev av")
	}
	return web.T(ctx, "Hur det går i stort: mottagen, antagen, påbörjad, avslutad")
}

func scopeChoices(ctx context.Context) []web.Choice {
	var out []web.Choice
	for _, s := range record.Scopes {
		out = append(out, web.Choice{Value: string(s), Label: scopeName(ctx, s)})
	}
	return out
}

// firstName is how it stands with the first talk, to a sender who may know.
func firstName(ctx context.Context, f record.FirstTalk) string {
	switch f {
	case record.TalkBooked:
		return web.T(ctx, "Bokat")
	case record.TalkMissed:
		return web.T(ctx, "Blev inte av: personen kom inte")
	case record.TalkCancelled:
		return web.T(ctx, "Avbokat")
	}
	return web.T(ctx, "Hållet")
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
