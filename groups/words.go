package groups

import (
	"context"
	"strconv"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/web"
)

// stateTag is a state as a tag: its kind and its words.
func stateTag(ctx context.Context, b Brief, st State) (kind, text string) {
	switch st {
	case Open:
		return "good", left(ctx, b)
	case Full:
		return "warm", web.T(ctx, "Fullbokat")
	case Restricted:
		return "", web.T(ctx, "Kommunens invånare först")
	case Closed:
		return "", web.T(ctx, "Bokningen är stängd")
	case IsOff:
		return "wrong", web.T(ctx, "Inställt")
	}
	return "", web.T(ctx, "Har varit")
}

func left(ctx context.Context, b Brief) string {
	n := b.Capacity - b.Booked
	return web.Plural(n, web.T(ctx, "1 plats kvar"), web.T(ctx, "%d platser kvar", n))
}

// taken is "7 av 12 platser är bokade", and who waits.
func taken(ctx context.Context, b Brief) string {
	text := web.T(ctx, "%d av %d platser är bokade", b.Booked, b.Capacity)
	if b.Waiting == 0 {
		return text
	}
	return text + web.Plural(b.Waiting, web.T(ctx, ", 1 på reservlistan"), web.T(ctx, ", %d på reservlistan", b.Waiting))
}

// bookingTag is a person's own booking as a tag.
func bookingTag(ctx context.Context, b Booking) (kind, text string) {
	if b.Status == Booked {
		return "strong", web.T(ctx, "Du har en plats")
	}
	return "warm", web.T(ctx, "Du är nummer %d på reservlistan", b.Position)
}

func price(ctx context.Context, a Activity) string {
	if a.Price == 0 {
		return web.T(ctx, "Gratis")
	}
	return web.T(ctx, "%d kr", a.Price)
}

var formNames = web.Texts[Form]{
	Online: "Online",
	"":     "På plats",
}

var attendanceNames = web.Texts[Attendance]{
	Came:   "Kom",
	Absent: "Kom inte",
	Told:   "Meddelade förhinder",
	"":     "Inte noterat",
}

// weekdayName is the day as a choice, "måndagar".
func weekdayName(ctx context.Context, d time.Weekday) string {
	names := [...]string{
		web.T(ctx, "Söndagar"), web.T(ctx, "Måndagar"), web.T(ctx, "Tisdagar"), web.T(ctx, "Onsdagar"),
		web.T(ctx, "Torsdagar"), web.T(ctx, "Fredagar"), web.T(ctx, "Lördagar"),
	}
	return names[d]
}

// week is Monday to Sunday.
var week = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}

// leftWhy is why a date was left out: the day's name, which the catalogue holds
// for every name that package holiday gives.
func leftWhy(ctx context.Context, l Left) string {
	if l.Why == "" {
		return web.T(ctx, "ledaren var upptagen")
	}
	return web.T(ctx, l.Why)
}

// participantName is a line's name in the group list.
func participantName(ctx context.Context, p Participant) string {
	switch {
	case p.Protected:
		return web.T(ctx, "Deltagare %s", p.Name)
	case p.Name == "":
		return web.T(ctx, "Namnet är borttaget")
	}
	return p.Name
}

func kommunChoices(ctx context.Context) []web.Choice {
	return append([]web.Choice{{Label: web.T(ctx, "Hela länet")}}, web.KommunChoices()...)
}

func topicChoices(ctx context.Context, first string) []web.Choice {
	return append([]web.Choice{{Label: first}}, web.TopicChoices(ctx)...)
}

func weekdayChoices(ctx context.Context) []web.Choice {
	out := make([]web.Choice, len(week))
	for i, d := range week {
		out[i] = web.Choice{Value: strconv.Itoa(int(d)), Label: weekdayName(ctx, d)}
	}
	return out
}

func attendanceChoices(ctx context.Context) []web.Choice {
	return web.Choices(ctx, []Attendance{"", Came, Absent, Told}, attendanceNames.Of)
}

// where is the place in a line; the link of a meeting is not one.
func where(ctx context.Context, a Activity) string {
	if a.Form == Online {
		return web.T(ctx, "Online")
	}
	return a.Where
}

// whereAbouts is the place with its kommun, said once.
func whereAbouts(ctx context.Context, a Activity, kommun string) string {
	place, name := where(ctx, a), halsocoach.KommunName(kommun)
	if strings.HasSuffix(place, name) {
		return place
	}
	return place + ", " + name
}

// refusedTitle is the heading of the page that says why there was no place:
// Swedish, for the page to translate.
func refusedTitle(why *halsocoach.Error) string {
	switch why.Code {
	case ErrFull.Code, ErrReserveFull.Code:
		return "Fullbokat"
	case ErrRestricted.Code:
		return "Kommunens invånare först"
	case ErrClosed.Code:
		return "Bokningen är stängd"
	case ErrCancelled.Code:
		return "Inställt"
	case ErrPast.Code:
		return "Har varit"
	}
	return "Det går inte att avboka nu"
}

// leaderChoices are the centre's coaches, and somebody else.
func leaderChoices(ctx context.Context, coaches []halsocoach.StaffMember) []web.Choice {
	var out []web.Choice
	for _, m := range coaches {
		out = append(out, web.Choice{Value: m.ID, Label: m.Name})
	}
	return append(out, web.Choice{Value: otherLeader, Label: web.T(ctx, "Någon annan, till exempel en förening")})
}
