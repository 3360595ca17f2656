package selfreferral

import (
	"context"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/referral/record"
)

// trap is a field that people do not see. Who fills it in is a program.
const trap = "webbplats"

// stateNames are the states to the person whom it is about, and stateKinds the look
// of their tags.
var (
	stateNames = web.Texts[record.State]{
		record.Received: "Väntar på en hälsocoach", record.Taken: "En hälsocoach har den", record.OnHold: "Vilar, som du bad om",
		record.Accepted: "Du är välkommen", record.Started: "Du är välkommen", record.Ended: "Avslutad",
		record.Declined: "Hälsocentret kunde inte ta emot", record.Forwarded: "Skickad till ett annat Hälsocenter",
		record.Withdrawn: "Återkallad", record.Erred: "Skickad av misstag",
	}
	stateKinds = map[record.State]string{record.Received: "warm", record.Taken: "warm", record.Accepted: "good", record.Started: "good"}
)

// fromWhom is who has recommended the person.
func fromWhom(ctx context.Context, s Said) string {
	switch {
	case s.Source == halsocoach.FromSelf:
		return web.T(ctx, "Du tog kontakt själv")
	case s.Unit != "":
		return s.Unit
	case s.Source == halsocoach.FromAssociation:
		return web.T(ctx, "En förening")
	}
	return web.T(ctx, "En vårdcentral")
}

// sees is what the one who recommended may see.
func sees(ctx context.Context, s Said) string {
	switch {
	case s.Consent.Back != nil || s.Gone != nil:
		return web.T(ctx, "De ser inte längre hur det går för dig.")
	case s.Consent.Scope == record.ScopeTalks:
		return web.T(ctx, "De ser hur det går i stort, och om ditt första samtal är bokat och blev av. De ser inget du säger eller skriver.")
	}
	return web.T(ctx, "De ser bara hur det går i stort: mottagen, antagen, påbörjad, avslutad. De ser inget du säger eller skriver.")
}

// scopeChoice is one of the choices of what somebody may see.
type scopeChoice struct {
	scope record.Scope
	text  string
}

// scopesLeft are those that the person can change to.
func scopesLeft(ctx context.Context, s Said) []scopeChoice {
	var out []scopeChoice
	now := s.Consent.Scope
	if s.Consent.Back != nil {
		now = "none"
	}
	if now != record.ScopeState && now != "" {
		out = append(out, scopeChoice{record.ScopeState, web.T(ctx, "Låt dem se hur det går i stort")})
	}
	if now != record.ScopeTalks {
		out = append(out, scopeChoice{record.ScopeTalks, web.T(ctx, "Låt dem också se om första samtalet blev av")})
	}
	if now != "none" {
		out = append(out, scopeChoice{"", web.T(ctx, "Låt dem inte se mer")})
	}
	return out
}
