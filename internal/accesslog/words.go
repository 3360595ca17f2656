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
func actText(ctx context.Context, act halsocoach.Act) string {
	switch act {
	case halsocoach.ActRecommend:
		return web.T(ctx, "Rekommenderade dig till ett hälsocenter")
	case halsocoach.ActReadSent:
		return web.T(ctx, "Såg hur det går med rekommendationen")
	case halsocoach.ActMendContact:
		return web.T(ctx, "Rättade hur du nås i rekommendationen")
	case halsocoach.ActWithdraw:
		return web.T(ctx, "Drog tillbaka sin rekommendation av dig")
	case halsocoach.ActEnteredInError:
		return web.T(ctx, "Sa att rekommendationen av dig var ett misstag")
	case halsocoach.ActWithdrawConsent:
		return web.T(ctx, "Skrev in att du har tagit tillbaka ditt ja")
	case halsocoach.ActReadInbox:
		return web.T(ctx, "Såg din rekommendation i listan över nya")
	case halsocoach.ActReadReferral:
		return web.T(ctx, "Läste din rekommendation")
	case halsocoach.ActTakeReferral, halsocoach.ActReleaseReferral, halsocoach.ActHoldReferral, halsocoach.ActResumeReferral:
		return web.T(ctx, "Tog hand om eller lämnade över din rekommendation")
	case halsocoach.ActNoteAttempt:
		return web.T(ctx, "Antecknade ett försök att nå dig")
	case halsocoach.ActCompleteReferral:
		return web.T(ctx, "Fyllde i det som fattades i din rekommendation")
	case halsocoach.ActDecideReferral:
		return web.T(ctx, "Svarade på din rekommendation")
	case halsocoach.ActReadMatches:
		return web.T(ctx, "Såg dig bland dem som kan vara samma person")
	case halsocoach.ActJoinPersons:
		return web.T(ctx, "Förde ihop två uppgifter om dig till en person")
	case halsocoach.ActPartPersons:
		return web.T(ctx, "Skilde åt två personer som hade förts ihop")
	case halsocoach.ActProtectPerson:
		return web.T(ctx, "Skrev in att du har skyddade personuppgifter")
	case halsocoach.ActUnprotectPerson:
		return web.T(ctx, "Skrev in att du inte längre har skyddade personuppgifter")
	case halsocoach.ActReadCaseload:
		return web.T(ctx, "Såg dig i listan över sina invånare")
	case halsocoach.ActSearch:
		return web.T(ctx, "Fann dig i en sökning bland invånarna på sitt hälsocenter")
	case halsocoach.ActReadEnrolment:
		return web.T(ctx, "Öppnade sidan om dig")
	case halsocoach.ActRevealContact:
		return web.T(ctx, "Tog fram dina kontaktuppgifter")
	case halsocoach.ActEndEnrolment:
		return web.T(ctx, "Avslutade din tid på hälsocentret")
	case halsocoach.ActReadDesk:
		return web.T(ctx, "Såg dig på sitt skrivbord")
	case halsocoach.ActReadCalendar:
		return web.T(ctx, "Såg ditt samtal i kalendern")
	case halsocoach.ActReadTalks:
		return web.T(ctx, "Läste om dina samtal")
	case halsocoach.ActBookTalk:
		return web.T(ctx, "Bokade ett samtal med dig")
	case halsocoach.ActMoveTalk:
		return web.T(ctx, "Flyttade ditt samtal")
	case halsocoach.ActCancelTalk:
		return web.T(ctx, "Avbokade ditt samtal")
	case halsocoach.ActMarkTalk:
		return web.T(ctx, "Skrev in hur det gick med ditt samtal")
	case halsocoach.ActReadChats:
		return web.T(ctx, "Såg er chatt i listan")
	case halsocoach.ActReadChat:
		return web.T(ctx, "Läste er chatt")
	case halsocoach.ActFollowChat:
		return web.T(ctx, "Hade er chatt öppen")
	case halsocoach.ActWriteChat:
		return web.T(ctx, "Skrev till dig i chatten")
	case halsocoach.ActReadParticipants:
		return web.T(ctx, "Såg dig i deltagarlistan för en gruppaktivitet")
	case halsocoach.ActNoteAttendance:
		return web.T(ctx, "Skrev in närvaro på en gruppaktivitet")
	case halsocoach.ActGiveReservePlace:
		return web.T(ctx, "Gav dig en plats från reservlistan")
	case halsocoach.ActCallOffOccasion:
		return web.T(ctx, "Ställde in en gruppaktivitet som du var anmäld till")
	}
	return web.T(ctx, "Använde uppgifter om dig")
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
