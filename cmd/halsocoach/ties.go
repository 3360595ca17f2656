package main

import (
	"context"

	"halsocoach"
	"halsocoach/coach"
	"halsocoach/internal/web"
	"halsocoach/referral/inbox"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

// pages and jsonDoor are where packages put their routes.
type (
	pages    = fiber.Router
	jsonDoor = huma.API
)

// talks, places, messages and waits hand over services that are made after the one
// that asks for them.
type (
	talks    struct{ *house }
	places   struct{ *house }
	messages struct{ *house }
	waits    struct{ *house }
	takenIn  struct{ *house }

	firstTalks struct{ *house }
)

func (t talks) Coming(ctx context.Context, who halsocoach.Actor) ([]halsocoach.Appointment, error) {
	return t.coach.Coming(ctx, who)
}

func (t talks) ComingOf(ctx context.Context, who halsocoach.Actor, enrolment string) ([]halsocoach.Appointment, error) {
	return t.coach.ComingOf(ctx, who, enrolment)
}

func (p places) Coming(ctx context.Context, who halsocoach.Actor) ([]halsocoach.Appointment, error) {
	return p.groups.Coming(ctx, who)
}

func (m messages) Unread(ctx context.Context, who halsocoach.Actor) (halsocoach.Unread, error) {
	return m.chat.Unread(ctx, who)
}

func (t takenIn) EnrolmentsAt(ctx context.Context, centre string, persons ...string) (map[string]halsocoach.Enrolment, error) {
	return t.citizen.EnrolmentsAt(ctx, centre, persons...)
}

func (t takenIn) Enrol(ctx context.Context, a halsocoach.Accepted) (halsocoach.Enrolment, error) {
	e, err := t.citizen.Enrol(ctx, a)
	return e.Shared(), err
}

func (t takenIn) Holds(ctx context.Context, person string) (bool, error) {
	return t.citizen.Holds(ctx, person)
}
func (p places) Holds(ctx context.Context, person string) (bool, error) {
	return p.groups.Holds(ctx, person)
}

// FirstTimes, BookFirst and ComingOf are the coach's own calendar as the inbox asks it.
func (f firstTalks) FirstTimes(ctx context.Context, who halsocoach.Actor) ([]inbox.Time, error) {
	offer, err := f.coach.Free(ctx, who, coach.Asked{Limit: 300})
	var out []inbox.Time
	for _, s := range offer.Slots {
		if s.Coach == who.ID {
			out = append(out, inbox.Time{Starts: s.Starts, Form: string(s.Form)})
		}
	}
	return out, err
}

func (f firstTalks) BookFirst(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, enrolment string, at inbox.Time) error {
	_, _, err := f.coach.Book(ctx, who, req, coach.Wish{Coach: who.ID, Starts: at.Starts, Form: coach.Form(at.Form), Enrolment: enrolment, Kind: coach.First})
	return err
}

func (f firstTalks) ComingOf(ctx context.Context, who halsocoach.Actor, enrolment string) ([]halsocoach.Appointment, error) {
	return f.coach.ComingOf(ctx, who, enrolment)
}

// KommunWaits and the two after it are halsocoach.Waits and what the registers
// publish.
func (w waits) KommunWaits(ctx context.Context) (map[string]halsocoach.Wait, error) {
	return w.waiting.KommunWaits(ctx)
}

func (w waits) Wait(ctx context.Context, centre string) (halsocoach.Wait, bool, error) {
	return w.waiting.Wait(ctx, centre)
}

func (w waits) Waits(ctx context.Context) (map[string]halsocoach.Wait, error) {
	return w.waiting.Waits(ctx)
}

// home is where a person lands after sign-in: the page with their next step.
func home(who halsocoach.Actor) string {
	switch who.Role {
	case halsocoach.RoleCitizen:
		return "/min-halsa"
	case halsocoach.RoleCoach:
		return "/skrivbord"
	case halsocoach.RoleCareCentre, halsocoach.RoleAssociation:
		return "/rekommendera"
	case halsocoach.RoleKommun, halsocoach.RoleRegion:
		return "/statistik"
	case halsocoach.RoleFamily:
		return "/familjecentraler"
	case halsocoach.RoleOperator:
		return "/drift"
	}
	return "/"
}

// nav is the navigation of each role.
func nav(who halsocoach.Actor) []web.Link {
	groups := web.Link{Path: "/gruppaktiviteter", Text: "Gruppaktiviteter", Icon: "people"}
	switch who.Role {
	case halsocoach.RoleCitizen:
		return []web.Link{
			{Path: "/min-halsa", Text: "Min hälsa", Icon: "home"}, {Path: "/samtal", Text: "Samtal", Icon: "calendar"},
			{Path: "/chatt", Text: "Meddelanden", Icon: "message"}, {Path: "/gruppaktiviteter", Text: "Grupper", Icon: "people"},
		}
	case halsocoach.RoleCoach:
		return []web.Link{
			{Path: "/skrivbord", Text: "Skrivbord", Icon: "home"}, {Path: "/inkorg", Text: "Inkorg", Icon: "inbox"},
			{Path: "/invanare", Text: "Invånare", Icon: "person"}, {Path: "/kalender", Text: "Kalender", Icon: "calendar"},
			{Path: "/chatt", Text: "Meddelanden", Icon: "message"}, {Path: "/mina-grupper", Text: "Mina grupper", Icon: "people"},
		}
	case halsocoach.RoleCareCentre, halsocoach.RoleAssociation:
		return []web.Link{
			{Path: "/rekommendera", Text: "Rekommendera", Icon: "person"}, {Path: "/rekommendationer", Text: "Skickade", Icon: "inbox"}, groups,
		}
	case halsocoach.RoleKommun, halsocoach.RoleRegion:
		return []web.Link{
			{Path: "/statistik", Text: "Statistik", Icon: "chart"}, {Path: "/register", Text: "Register", Icon: "list"},
			{Path: "/rekommendationer-i-vantan", Text: "I väntan", Icon: "clock"},
			{Path: "/personal", Text: "Personal", Icon: "person"}, {Path: "/installningar", Text: "Inställningar", Icon: "settings"},
			{Path: "/vardsystem", Text: "Vårdsystem", Icon: "place"},
		}
	}
	centres := web.Link{Path: "/halsocenter", Text: "Hälsocenter", Icon: "place"}
	switch who.Role {
	case halsocoach.RoleFamily:
		return []web.Link{{Path: "/familjecentraler", Text: "Familjecentraler", Icon: "home"}, groups, centres}
	case halsocoach.RoleOperator:
		return []web.Link{{Path: "/drift", Text: "Drift", Icon: "settings"}, {Path: "/drift/aviseringar", Text: "Brev", Icon: "message"}, groups}
	}
	return []web.Link{groups, centres, {Path: "/ta-kontakt", Text: "Ta kontakt", Icon: "message"}}
}

// account are the pages of a person's own account, beside those of sign-in.
func account(mail bool) []web.Link {
	if !mail {
		return nil
	}
	return []web.Link{{Path: "/aviseringar", Text: "Aviseringar"}}
}
