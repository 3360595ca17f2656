package auth

import (
	"context"

	"halsocoach"
	"halsocoach/internal/web"
)

// actText says an act of the access log to the person it was about. Packages
// name their acts in English verbs; one that is not here is still said, in
// general words.
func actText(ctx context.Context, act string) string {
	switch act {
	case "recommend":
		return web.T(ctx, "Rekommenderade dig till ett hälsocenter")
	case "read inbox":
		return web.T(ctx, "Såg din rekommendation i listan över nya")
	case "read referral":
		return web.T(ctx, "Läste din rekommendation")
	case "read own referral", "read own referrals":
		return web.T(ctx, "Såg hur det går med rekommendationen")
	case "decide referral":
		return web.T(ctx, "Svarade på din rekommendation")
	case "read caseload":
		return web.T(ctx, "Såg dig i listan över sina invånare")
	case "read enrolment":
		return web.T(ctx, "Öppnade sidan om dig")
	case "reveal contact":
		return web.T(ctx, "Tog fram dina kontaktuppgifter")
	case "read goals":
		return web.T(ctx, "Läste dina mål")
	case "end enrolment":
		return web.T(ctx, "Avslutade din tid på hälsocentret")
	case "read desk":
		return web.T(ctx, "Såg dig på sitt skrivbord")
	case "read calendar":
		return web.T(ctx, "Såg ditt samtal i kalendern")
	case "read talk", "read talks":
		return web.T(ctx, "Läste om dina samtal")
	case "book talk":
		return web.T(ctx, "Bokade ett samtal med dig")
	case "move talk":
		return web.T(ctx, "Flyttade ditt samtal")
	case "cancel talk":
		return web.T(ctx, "Avbokade ditt samtal")
	case "mark talk":
		return web.T(ctx, "Skrev in hur det gick med ditt samtal")
	case "read list of chats":
		return web.T(ctx, "Såg er chatt i listan")
	case "read chat":
		return web.T(ctx, "Läste er chatt")
	case "followed chat":
		return web.T(ctx, "Hade er chatt öppen")
	case "wrote in chat":
		return web.T(ctx, "Skrev till dig i chatten")
	case "read participants":
		return web.T(ctx, "Såg dig i deltagarlistan för en gruppaktivitet")
	case "note attendance":
		return web.T(ctx, "Skrev in närvaro på en gruppaktivitet")
	case "give reserve place":
		return web.T(ctx, "Gav dig en plats från reservlistan")
	case "call off occasion":
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
