package groups

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"halsocoach"
	"halsocoach/internal/holiday"
)

// Form is how people meet. The values go over the wire.
type Form string

// The two forms.
const (
	OnSite Form = "på plats"
	Online Form = "online"
)

// Limits of what a coach can write. Texts are counted in characters.
const (
	MaxPlaces      = 300 // bookable places of one occasion: they lie in one document
	MaxReserve     = 200
	MaxDates       = 60 // dates of one series
	maxTitle       = 80
	maxWhere       = 200
	maxDescription = 2000
	maxPrice       = 5000 // kronor
	maxReason      = 300
	minLength      = 15 // minutes
	maxLength      = 8 * 60
	daysAhead      = 366
)

// Activity is what is offered; its dates are Occasions.
type Activity struct {
	ID          string           `json:"id"`
	Digest      string           `json:"digest"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Topic       halsocoach.Topic `json:"topic"`
	Kommun      string           `json:"kommun"`
	Centre      string           `json:"centre"`
	Form        Form             `json:"form"`
	// Where is the place, or for Online the link, which only those who have
	// a place are shown.
	Where  string    `json:"where"`
	Leader string    `json:"leader,omitempty"` // staff id; "" when no coach leads
	LedBy  string    `json:"ledBy,omitempty"`  // who leads when no coach does
	Price  int       `json:"price"`            // kronor a time
	By     string    `json:"by"`               // staff id
	Made   time.Time `json:"made"`
	// Published is set once the leader's time is held for the first dates.
	Published bool `json:"published"`
	// Pending are the dates that are being published right now.
	Pending *Pending `json:"pending,omitempty"`
	// Left are the dates that the latest plan left out.
	Left []Left `json:"left,omitempty"`
	// Done are the plans that have been published: a repeated request
	// finds itself here.
	Done []Done `json:"done,omitempty"`
}

// Pending is a plan on its way: first every span is held, then Held is set and
// the occasions are written.
type Pending struct {
	ID     string    `json:"id"`
	Digest string    `json:"digest"`
	At     time.Time `json:"at"`
	Held   bool      `json:"held"`
	Places int       `json:"places"`
	Spans  []Span    `json:"spans"`
	Left   []Left    `json:"left,omitempty"`
}

// Left is a date that a plan left out. Why is the day's name, as "Julafton"; ""
// when the leader was busy.
type Left struct {
	Starts time.Time `json:"starts"`
	Why    string    `json:"why,omitempty"`
}

// Done is a plan that was carried out.
type Done struct {
	ID     string `json:"id"`
	Digest string `json:"digest"`
}

// Span is a stretch of one local day.
type Span struct {
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends"`
}

// LedByCoach says whether a coach leads, which makes the activity free of
// charge by the agreement (Ekonomi, Grundfinansiering).
func (a Activity) LedByCoach() bool { return a.Leader != "" }

// ManagedBy says whether the actor plans the activity and notes attendance: a
// coach of its centre.
func (a Activity) ManagedBy(who halsocoach.Actor) bool {
	return who.Is(halsocoach.RoleCoach) && who.Centre == a.Centre
}

// shownTo leaves out the link of a meeting for those who are not in it.
func (a Activity) shownTo(inside bool) Activity {
	if a.Form == Online && !inside {
		a.Where = ""
	}
	return a
}

// plan finds the plan with the id, on its way or done.
func (a Activity) plan(id string) (digest string, found bool) {
	if a.Pending != nil && a.Pending.ID == id {
		return a.Pending.Digest, true
	}
	for _, d := range a.Done {
		if d.ID == id {
			return d.Digest, true
		}
	}
	return "", false
}

// occasionID: the same date of the same activity is the same occasion, so that
// publishing may be repeated.
func occasionID(activity string, starts time.Time) string {
	return halsocoach.IDFrom("occasion", activity, starts.UTC().Format(time.RFC3339))
}

// Occasion makes the occasion of one date. ownFirst is until when only the
// kommun's own residents may book; zero for no such time.
func (a Activity) Occasion(now time.Time, at Span, places int, ownFirst time.Time) Occasion {
	o := Occasion{
		ID: occasionID(a.ID, at.Starts), Activity: a.ID, Kommun: a.Kommun, Centre: a.Centre, Leader: a.Leader,
		Starts: at.Starts.UTC(), Ends: at.Ends.UTC(), Capacity: places, Published: now.UTC(),
	}
	if ownFirst.After(now) {
		o.OwnFirstUntil = ownFirst.UTC()
	}
	return o
}

// Plan is what a coach fills in to start an activity.
type Plan struct {
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Topic       halsocoach.Topic `json:"topic"`
	Form        Form             `json:"form"`
	Where       string           `json:"where"`
	Leader      string           `json:"leader"` // staff id, or "" when LedBy leads
	LedBy       string           `json:"ledBy"`
	Price       int              `json:"price"`
	Dates       Dates            `json:"dates"`
}

// Dates is a series: the same time of day on some weekdays from one day to
// another, both included.
type Dates struct {
	Weekdays []time.Weekday `json:"weekdays"`
	From     halsocoach.Day `json:"from"`
	To       halsocoach.Day `json:"to"`
	Start    int            `json:"start"`  // minutes after midnight by the clock on the wall
	Length   int            `json:"length"` // minutes
	Places   int            `json:"places"`
	// SkipClashes leaves out the dates on which the leader is busy.
	SkipClashes bool `json:"skipClashes"`
	// Holidays keeps the dates that fall on holidays and eves, which are left
	// out otherwise.
	Holidays bool `json:"holidays,omitempty"`
}

// Spans are the dates of the series in order, at most MaxDates+1 of them.
func (d Dates) Spans() []Span {
	spans, _ := d.days()
	return spans
}

// days are the dates of the series, and those left out since they are holidays.
func (d Dates) days() (spans []Span, left []Left) {
	for day := d.From; day <= d.To && len(spans) <= MaxDates; day = day.Plus(1) {
		if !slices.Contains(d.Weekdays, day.Start().Weekday()) {
			continue
		}
		if name := holiday.Name(day); name != "" && !d.Holidays {
			left = append(left, Left{day.At(d.Start).UTC(), name})
			continue
		}
		spans = append(spans, Span{day.At(d.Start).UTC(), day.At(d.Start + d.Length).UTC()})
	}
	return spans, left
}

// textPrice is the agreement's rule (Ekonomi, Grundfinansiering).
const textPrice = "En aktivitet som leds av hälsocoach är alltid kostnadsfri. Det säger överenskommelsen om Hälsocenter."

// check judges the plan; the fields are named as in the form.
func (p Plan) check(now time.Time) error {
	var bad halsocoach.Faults
	bad.When(outside(p.Title, 3, maxTitle), "title", "Skriv en rubrik med 3 till 80 tecken.")
	bad.When(outside(p.Description, 0, maxDescription), "description", "Beskrivningen får ha högst 2 000 tecken.")
	bad.When(!p.Topic.Known(), "topic", "Välj ett ämne.")
	bad.When(p.Form != OnSite && p.Form != Online, "form", "Välj om ni ses på plats eller online.")
	switch p.Form {
	case OnSite:
		bad.When(outside(p.Where, 2, maxWhere), "where", "Skriv var ni ses.")
	case Online:
		bad.When(!webLink(p.Where), "where", "Skriv länken till mötet. Den börjar med https://.")
	}
	if p.Leader == "" {
		bad.When(outside(p.LedBy, 2, maxTitle), "ledBy", "Skriv vem som leder aktiviteten.")
		bad.When(p.Price < 0 || p.Price > maxPrice, "price", "Skriv priset i hela kronor, 0 till 5 000.")
	} else {
		bad.When(p.Price != 0, "price", textPrice)
	}
	bad = append(bad, p.Dates.check(now)...)
	return halsocoach.Invalid(bad...)
}

func (d Dates) check(now time.Time) []halsocoach.Field {
	var bad halsocoach.Faults
	bad.When(d.Places < 1 || d.Places > MaxPlaces, "places", "Skriv antal platser, 1 till 300.")
	bad.When(len(d.Weekdays) == 0, "weekdays", "Välj minst en veckodag.")
	bad.When(d.Start < 0 || d.Start >= 24*60, "start", "Skriv klockslaget som 10.30.")
	length := d.Length >= minLength && d.Length <= maxLength && d.Start+d.Length < 24*60
	bad.When(!length, "length", "Välj en längd, 15 minuter till 8 timmar, som slutar före midnatt.")
	today := halsocoach.DayOf(now)
	from := d.From.Valid() && d.From >= today
	bad.When(!from, "from", "Välj en första dag som inte har passerat.")
	to := d.To.Valid() && d.To <= today.Plus(daysAhead) && (!from || d.To >= d.From)
	bad.When(!to, "to", "Välj en sista dag, samma dag eller senare, inom ett år.")
	if len(bad) > 0 {
		return bad
	}
	spans, left := d.days()
	switch {
	case len(spans) == 0 && len(left) > 0:
		bad.When(true, "weekdays", "Alla de här datumen är helgdagar eller aftnar. Välj att ta med dem, eller välj andra dagar.")
	case len(spans) == 0:
		bad.When(true, "weekdays", "Det finns inget sådant datum mellan första och sista dagen.")
	case len(spans) > MaxDates:
		bad.When(true, "to", "Det blir fler än 60 datum. Välj en tidigare sista dag.")
	case !spans[0].Starts.After(now):
		bad.When(true, "start", "Det första tillfället har redan börjat. Välj en senare tid eller dag.")
	}
	return bad
}

// outside says whether a text is shorter or longer than it may be, in characters.
func outside(text string, least, most int) bool {
	n := utf8.RuneCountInString(strings.TrimSpace(text))
	return n < least || n > most
}

func webLink(s string) bool {
	u, err := url.Parse(strings.TrimSpace(s))
	return err == nil && u.Scheme == "https" && u.Host != "" && len(s) <= maxWhere
}
