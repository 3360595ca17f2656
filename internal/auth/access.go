package auth

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/web"
)

// row is one row of the access log. Name and unit are what they were then.
type row struct {
	ID      string          `json:"id"`
	At      time.Time       `json:"at"`
	Who     string          `json:"who"`
	Name    string          `json:"name"`
	Role    halsocoach.Role `json:"role"`
	Kommun  string          `json:"kommun,omitempty"`
	Unit    string          `json:"unit,omitempty"`
	Act     halsocoach.Act  `json:"act"`
	Why     string          `json:"why,omitempty"`
	Persons []string        `json:"persons"`
	Via     string          `json:"via,omitempty"` // see Actor.Via; with the name it had then
	ViaName string          `json:"viaName,omitempty"`
}

var accessKind = store.Kind{Name: "access", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.M("persons"), store.D("at")}},
	{Name: "who", Fields: []store.Field{store.T("who"), store.D("at")}},
}}

// Seen is a row as the person it is about sees it.
type Seen struct {
	At      time.Time
	Name    string
	Role    halsocoach.Role
	Kommun  string
	Unit    string
	Act     halsocoach.Act
	Why     string
	Via     string // staff id of who let them in by a link, when that was somebody else
	ViaName string
}

// Reading is what one person did of one thing on one day, the latest time first.
// At is that of the latest.
type Reading struct {
	Seen
	Times []time.Time
}

// seenAtOnce is how many rows of the log a page is made of, and then on to the end
// of their last day.
const seenAtOnce = 100

// Saw saves one row of the access log before the answer leaves; it satisfies
// halsocoach.AccessLog. People who read about themselves, and an answer about
// nobody, leave no row.
func (s *Service) Saw(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, why string, persons ...string) error {
	persons = distinct(persons)
	if !who.Staff() || len(persons) == 0 {
		return nil
	}
	r := row{
		ID: halsocoach.NewID(), At: s.cfg.Clock().UTC(), Who: who.ID, Name: who.Name, Role: who.Role, Kommun: who.Kommun,
		Unit: s.unitName(ctx, who), Act: act, Why: why, Persons: persons,
	}
	if r.Via = who.Via; r.Via != "" {
		m, _ := s.staff.Get(r.Via)
		r.ViaName = m.Name
	}
	if err := s.rows.Insert(ctx, r.ID, r); err != nil {
		return fmt.Errorf("write the access log: %w", err)
	}
	return nil
}

// unitName is where the actor works, by name; "" when the register does not say.
func (s *Service) unitName(ctx context.Context, who halsocoach.Actor) string {
	if s.cfg.Registers == nil {
		return ""
	}
	if who.Unit != "" {
		if u, err := s.cfg.Registers.Unit(ctx, who.Unit); err == nil {
			return u.Name
		}
	}
	if who.Centre != "" {
		if c, err := s.cfg.Registers.Centre(ctx, who.Centre); err == nil {
			return c.Name
		}
	}
	return ""
}

// SeenBy is who has read about the citizen who asks, newest first: whole days
// before a day ("" = all). next is the day to ask for next, "" at the end.
func (s *Service) SeenBy(ctx context.Context, who halsocoach.Actor, before halsocoach.Day) (items []Reading, next halsocoach.Day, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return nil, "", err
	}
	q := store.Query{Index: "person", Equal: []any{who.ID}, Back: true, Limit: seenAtOnce}
	if before != "" {
		if !before.Valid() {
			return nil, "", halsocoach.Invalid(halsocoach.Field{Name: "fore", Text: "Skriv datum som åååå-mm-dd."})
		}
		q.Before = before.Start()
	}
	rows, more, err := s.rows.Find(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("read the access log: %w", err)
	}
	if more == "" {
		return fold(ctx, rows), "", nil
	}
	last := halsocoach.DayOf(rows[len(rows)-1].At)
	rows = slices.DeleteFunc(rows, func(r row) bool { return halsocoach.DayOf(r.At) == last })
	for q.From, q.Before, q.Limit = last.Start(), last.Plus(1).Start(), 1000; more != ""; q.After = more {
		var found []row
		if found, more, err = s.rows.Find(ctx, q); err != nil {
			return nil, "", fmt.Errorf("read a day of the access log: %w", err)
		}
		rows = append(rows, found...)
	}
	q.From, q.Before, q.After, q.Limit = nil, last.Start(), "", 1
	older, _, err := s.rows.Find(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("read on in the access log: %w", err)
	}
	if len(older) > 0 {
		next = last
	}
	return fold(ctx, rows), next, nil
}

// fold puts what one person did of one thing on one day, for one reason, into one
// Reading, where the latest of them stands. rows are newest first. Acts that are
// said in the same words are the same thing.
func fold(ctx context.Context, rows []row) []Reading {
	type same struct {
		day                 halsocoach.Day
		who, act, why, via  string
		name, unit, viaName string
	}
	out, at := []Reading{}, map[same]int{}
	for _, r := range rows {
		k := same{halsocoach.DayOf(r.At), r.Who, actText(ctx, r.Act), reason(r.Why), r.Via, r.Name, r.Unit, r.ViaName}
		i, ok := at[k]
		if !ok {
			i, at[k] = len(out), len(out)
			out = append(out, Reading{Seen: Seen{At: r.At, Name: r.Name, Role: r.Role, Kommun: r.Kommun, Unit: r.Unit, Act: r.Act, Why: r.Why, Via: r.Via, ViaName: r.ViaName}})
		}
		out[i].Times = append(out[i].Times, r.At)
	}
	return out
}

func distinct(ids []string) []string {
	seen, out := make(map[string]bool, len(ids)), make([]string, 0, len(ids))
	for _, id := range ids {
		if id != "" && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

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
	case halsocoach.ActReadEnrolment:
		return web.T(ctx, "Öppnade sidan om dig")
	case halsocoach.ActRevealContact:
		return web.T(ctx, "Tog fram dina kontaktuppgifter")
	case halsocoach.ActReadGoals:
		return web.T(ctx, "Läste dina mål")
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

// deviceText says a device as people do: "Chrome på Android".
func deviceText(ctx context.Context, device string) string {
	browser, system, _ := strings.Cut(device, "/")
	switch {
	case browser != "" && system != "":
		return web.T(ctx, "%s på %s", browser, system)
	case browser+system != "":
		return browser + system
	}
	return web.T(ctx, "Okänd webbläsare")
}

// boundText says by what somebody signs in.
func boundText(ctx context.Context, b Bound) string {
	if b.Text != "" {
		return web.T(ctx, "HSA-id %s", b.Text)
	}
	return web.T(ctx, "Personlig inloggning")
}

// provenText says to somebody with an invitation what has been proved.
func provenText(ctx context.Context, v offerView) string {
	if hsa, ok := strings.CutPrefix(v.Proof.Identity, "hsa:"); ok {
		return web.T(ctx, "Du har visat vem du är med HSA-id %s. Den inloggningen knyts till kontot.", hsa)
	}
	return web.T(ctx, "Du har visat vem du är. Den inloggningen knyts till kontot.")
}

// lasting says a time in whole minutes or hours.
func lasting(ctx context.Context, d time.Duration) string {
	if d >= 2*time.Hour && d%time.Hour == 0 {
		return web.T(ctx, "%d timmar", int(d/time.Hour))
	}
	return web.T(ctx, "%d minuter", int(d/time.Minute))
}

// doorPath is where a sign-in by a provider begins.
func doorPath(d Door, whom, next string) string {
	q := url.Values{}
	if whom != "" {
		q.Set("som", whom)
	}
	if next != "" {
		q.Set("next", next)
	}
	path := "/logga-in/med/" + url.PathEscape(d.ID)
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return path
}
