package accesslog

import (
	"context"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/web"
)

// actText says an act of the access log to the person it was about. Packages
// name their acts in English verbs; one that is not here is still said, in
// general words.
func actText(ctx context.Context, act halsocoach.Act) string { return actTexts.Of(ctx, act) }

var actTexts = web.Texts[halsocoach.Act]{
	halsocoach.ActRecommend:        "Rekommenderade dig till ett hälsocenter",
	halsocoach.ActReadSent:         "Såg hur det går med rekommendationen",
	halsocoach.ActMendContact:      "Rättade hur du nås i rekommendationen",
	halsocoach.ActWithdraw:         "Drog tillbaka sin rekommendation av dig",
	halsocoach.ActEnteredInError:   "Sa att rekommendationen av dig var ett misstag",
	halsocoach.ActWithdrawConsent:  "Skrev in att du har tagit tillbaka ditt ja",
	halsocoach.ActReadInbox:        "Såg din rekommendation i listan över nya",
	halsocoach.ActReadReferral:     "Läste din rekommendation",
	halsocoach.ActTakeReferral:     "Tog hand om eller lämnade över din rekommendation",
	halsocoach.ActReleaseReferral:  "Tog hand om eller lämnade över din rekommendation",
	halsocoach.ActHoldReferral:     "Tog hand om eller lämnade över din rekommendation",
	halsocoach.ActResumeReferral:   "Tog hand om eller lämnade över din rekommendation",
	halsocoach.ActNoteAttempt:      "Antecknade ett försök att nå dig",
	halsocoach.ActCompleteReferral: "Fyllde i det som fattades i din rekommendation",
	halsocoach.ActDecideReferral:   "Svarade på din rekommendation",
	halsocoach.ActReadMatches:      "Såg dig bland dem som kan vara samma person",
	halsocoach.ActJoinPersons:      "Förde ihop två uppgifter om dig till en person",
	halsocoach.ActPartPersons:      "Skilde åt två personer som hade förts ihop",
	halsocoach.ActProtectPerson:    "Skrev in att du har skyddade personuppgifter",
	halsocoach.ActUnprotectPerson:  "Skrev in att du inte längre har skyddade personuppgifter",
	halsocoach.ActReadCaseload:     "Såg dig i listan över sina invånare",
	halsocoach.ActSearch:           "Fann dig i en sökning bland invånarna på sitt hälsocenter",
	halsocoach.ActReadEnrolment:    "Öppnade sidan om dig",
	halsocoach.ActRevealContact:    "Tog fram dina kontaktuppgifter",
	halsocoach.ActEndEnrolment:     "Avslutade din tid på hälsocentret",
	halsocoach.ActReadDesk:         "Såg dig på sitt skrivbord",
	halsocoach.ActReadCalendar:     "Såg ditt samtal i kalendern",
	halsocoach.ActReadTalks:        "Läste om dina samtal",
	halsocoach.ActBookTalk:         "Bokade ett samtal med dig",
	halsocoach.ActMoveTalk:         "Flyttade ditt samtal",
	halsocoach.ActCancelTalk:       "Avbokade ditt samtal",
	halsocoach.ActMarkTalk:         "Skrev in hur det gick med ditt samtal",
	halsocoach.ActReadChats:        "Såg er chatt i listan",
	halsocoach.ActReadChat:         "Läste er chatt",
	halsocoach.ActFollowChat:       "Hade er chatt öppen",
	halsocoach.ActWriteChat:        "Skrev till dig i chatten",
	halsocoach.ActReadParticipants: "Såg dig i deltagarlistan för en gruppaktivitet",
	halsocoach.ActNoteAttendance:   "Skrev in närvaro på en gruppaktivitet",
	halsocoach.ActGiveReservePlace: "Gav dig en plats från reservlistan",
	halsocoach.ActCallOffOccasion:  "Ställde in en gruppaktivitet som du var anmäld till",
	"":                             "Använde uppgifter om dig",
}

// reason is what the one who read wrote as their reason, "" when the package
// only says which part of the service it was.
func reason(why string) string {
	switch why {
	case "rekommendation", "samtal", "kalender", "chatt", "invånare", "gruppaktivitet":
		return ""
	}
	return why
}

// viaText says who let the reader in by a sign-in link. The program itself has no
// name.
func viaText(ctx context.Context, i Seen) string {
	if i.ViaName == "" {
		return web.T(ctx, "via inloggningslänk från driften")
	}
	return web.T(ctx, "via inloggningslänk från %s", i.ViaName)
}

// dayAndTime is when it was: the day alone where there are several times.
func dayAndTime(ctx context.Context, r Reading) string {
	if len(r.Times) > 1 {
		return web.Date(ctx, r.At)
	}
	return web.Date(ctx, r.At) + " " + web.ClockTime(r.At)
}

func clockTimes(times []time.Time) string {
	said := make([]string, len(times))
	for i, t := range times {
		said[i] = web.ClockTime(t)
	}
	return strings.Join(said, ", ")
}

// whereText is the role and the place of who read.
func whereText(ctx context.Context, i Seen) string {
	role := web.RoleName(ctx, i.Role)
	switch {
	case i.Unit != "":
		return role + ", " + i.Unit
	case i.Kommun != "":
		return role + ", " + halsocoach.KommunName(i.Kommun)
	}
	return role
}
