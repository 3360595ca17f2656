package sender

import (
	"context"
	"time"

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

// scopeName is what the sender may see afterwards.
func scopeName(ctx context.Context, s record.Scope) string {
	if s == record.ScopeTalks {
		return web.T(ctx, "Hur det går i stort, och om det första samtalet är bokat och blev av")
	}
	return web.T(ctx, "Hur det går i stort: mottagen, antagen, påbörjad, avslutad")
}

// firstName is how it stands with the first talk, to a sender who may know.
func firstName(ctx context.Context, f record.FirstTalk) string { return firstNames.Of(ctx, f) }

var firstNames = web.Texts[record.FirstTalk]{
	record.TalkBooked:    "Bokat",
	record.TalkMissed:    "Blev inte av: personen kom inte",
	record.TalkCancelled: "Avbokat",
	"":                   "Hållet",
}

// endedName is the class of end, as package citizen names it.
func endedName(ctx context.Context, class string) string { return endedNames.Of(ctx, class) }

var endedNames = web.Texts[string]{
	"goals_reached": "Målen är nådda",
	"handed_over":   "Fortsätter i en förening",
	"own_wish":      "Egen önskan",
	"moved":         "Har flyttat",
	"no_contact":    "Kontakten har upphört",
	"":              "Annat skäl",
}
