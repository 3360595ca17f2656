package referral

import (
	"errors"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"halsocoach"
)

// Wish is what a sender asks for, as it was written.
type Wish struct {
	Personnummer string
	Name         string
	Phone        string
	Email        string
	Topics       []halsocoach.Topic
	Kommun       string // where the person lives; may be empty
	Centre       string
	Consent      bool
	ConsentOn    halsocoach.Day // "" = today
	Scope        Scope          // "" = the narrowest
	Language     string         // BCP 47; "" = Swedish
	Interpreter  bool
	Protected    bool
	Wants        string // the person's own words
	Note         string
	Placer       string // the sender's own identifier, "system|value"
	caller       bool   // asks to be called: a coach asks about the rest
	there        bool   // stands before a coach of the centre, who has said yes
}

// The limits of what is written, in characters.
const (
	nameLimit    = 120
	contactLimit = 120
	noteLimit    = 2000
	placerLimit  = 200
	consentDays  = 366 // how old a yes may be
)

var languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`)

// Judge reads the wish by the rules: the number if there is one, or each answer
// to mend in the form's order. Whether the centre takes the person in is for the
// service.
func (w Wish) Judge(now time.Time) (halsocoach.Number, error) {
	number, wrong := w.judgePerson(now)
	miss := func(name, text string) { wrong = append(wrong, halsocoach.Field{Name: name, Text: text}) }
	switch {
	case len(w.Topics) == 0 && !w.caller:
		miss("topics", "Välj minst ett område som personen vill ha stöd med.")
	case slices.ContainsFunc(w.Topics, func(t halsocoach.Topic) bool { return !t.Known() }):
		miss("topics", "Välj bland de områden som står i listan.")
	}
	if utf8.RuneCountInString(w.Wants) > noteLimit {
		miss("wants", "Texten får vara högst 2 000 tecken.")
	}
	if utf8.RuneCountInString(w.Note) > noteLimit {
		miss("note", "Meddelandet får vara högst 2 000 tecken.")
	}
	if _, ok := halsocoach.KommunByCode(w.Kommun); !ok && w.Kommun != "" && w.Kommun != halsocoach.County {
		miss("kommun", "Välj en av länets kommuner.")
	}
	if w.Centre == "" {
		miss("centre", "Välj vilket Hälsocenter rekommendationen ska till.")
	}
	if !w.Consent {
		miss("consent", "Fråga personen först. Utan ett ja kan du inte skicka rekommendationen.")
	}
	if w.ConsentOn != "" {
		switch today := halsocoach.DayOf(now); {
		case !w.ConsentOn.Valid():
			miss("consentOn", "Välj den dag då personen sa ja.")
		case w.ConsentOn > today:
			miss("consentOn", "Dagen då personen sa ja kan inte ligga framåt i tiden.")
		case w.ConsentOn < today.Plus(-consentDays):
			miss("consentOn", "Det är mer än ett år sedan personen sa ja. Fråga igen.")
		}
	}
	if w.Scope != "" && !w.Scope.Known() {
		miss("consentScope", "Välj vad personen har sagt att du får se.")
	}
	switch {
	case utf8.RuneCountInString(w.Placer) > placerLimit:
		miss("placer", "Beteckningen får vara högst 200 tecken.")
	case w.placerTells(number, now):
		miss("placer", "Beteckningen innehåller ett personnummer. Använd en egen beteckning som inte säger vem personen är.")
	}
	return number, halsocoach.Invalid(wrong...)
}

// placerTells says whether the sender's own identifier says who a person is: it is
// stored as it was sent. It does when the patient's number lies anywhere in it, or
// when a part of it is somebody's. Ten digits alone may be a number in a series.
func (w Wish) placerTells(number halsocoach.Number, now time.Time) bool {
	placer, err := url.PathUnescape(w.Placer)
	if err != nil {
		placer = w.Placer
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, placer)
	if !number.IsZero() && strings.Contains(digits, number.Digits()[2:]) {
		return true
	}
	for part := range strings.FieldsFuncSeq(placer, func(r rune) bool { return strings.ContainsRune("|/:?&=#", r) }) {
		if _, err := halsocoach.ParseNumber(part, now); err == nil && len(strings.TrimSpace(part)) > 10 {
			return true
		}
	}
	return false
}

// judgePerson is who it is and how they are reached.
func (w Wish) judgePerson(now time.Time) (number halsocoach.Number, wrong []halsocoach.Field) {
	miss := func(name, text string) { wrong = append(wrong, halsocoach.Field{Name: name, Text: text}) }
	switch n := utf8.RuneCountInString(w.Name); {
	case n == 0:
		miss("name", "Skriv vad personen heter.")
	case n > nameLimit:
		miss("name", "Namnet får vara högst 120 tecken.")
	}
	if w.Personnummer != "" {
		var err error
		if number, err = halsocoach.ParseNumber(w.Personnummer, now); err != nil {
			miss("personnummer", NumberWords(err))
		}
	}
	wrong = append(wrong, Contact{w.Phone, w.Email}.judge()...)
	if w.Language != "" && !languageTag.MatchString(w.Language) {
		miss("language", "Välj ett språk i listan.")
	}
	return number, wrong
}

// Contact is how somebody is reached, as it was written.
type Contact struct{ Phone, Email string }

// judge gives each answer to mend.
func (c Contact) judge() (wrong []halsocoach.Field) {
	if c.Phone == "" && c.Email == "" {
		wrong = append(wrong, halsocoach.Field{Name: "phone", Text: "Skriv ett telefonnummer eller en e-postadress, så att hälsocoachen kan höra av sig."})
	}
	if c.Phone != "" && !phone(c.Phone) {
		wrong = append(wrong, halsocoach.Field{Name: "phone", Text: "Telefonnumret går inte att läsa. Skriv det med siffror, till exempel 070-123 45 67."})
	}
	if c.Email != "" && !email(c.Email) {
		wrong = append(wrong, halsocoach.Field{Name: "email", Text: "E-postadressen går inte att läsa. Den ser ut som namn@exempel.se."})
	}
	return wrong
}

// trimmed is the wish without spaces around and control characters, and with
// each topic once.
func (w Wish) trimmed() Wish {
	for _, s := range []*string{&w.Personnummer, &w.Name, &w.Phone, &w.Email, &w.Kommun, &w.Centre, &w.Language, &w.Wants, &w.Note, &w.Placer} {
		*s = strings.TrimSpace(halsocoach.Plain(*s))
	}
	w.Name = strings.Join(strings.Fields(w.Name), " ")
	if w.Language == "sv" {
		w.Language = ""
	}
	var topics []halsocoach.Topic
	for _, t := range w.Topics {
		if !slices.Contains(topics, t) {
			topics = append(topics, t)
		}
		if len(topics) > len(halsocoach.Topics) {
			break // one of them is unknown already, so the rest need no look
		}
	}
	w.Topics = topics
	return w
}

// NumberWords says in which way an identity number is wrong.
func NumberWords(err error) string {
	switch {
	case errors.Is(err, halsocoach.ErrNumberDate):
		return "Datumet i personnumret finns inte eller har inte varit än. Kontrollera år, månad och dag."
	case errors.Is(err, halsocoach.ErrNumberCheck):
		return "Personnumrets sista siffra stämmer inte med de andra. Kontrollera att alla siffror är rätt."
	case errors.Is(err, halsocoach.ErrNumberSerial):
		return "Personnumret kan inte sluta på 000 och en siffra. Kontrollera de fyra sista."
	}
	return "Skriv personnumret med 10 eller 12 siffror, till exempel ÅÅÅÅMMDD-NNNN."
}

// phone: 6 to 15 digits, with the signs people put among them.
func phone(s string) bool {
	digits := 0
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '+' && i == 0, r == '-', r == ' ', r == '(', r == ')', r == '/', r == '\u00a0':
		default:
			return false
		}
	}
	return digits >= 6 && digits <= 15 && len(s) <= contactLimit
}

// email: one plain address with a domain that has a dot.
func email(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > contactLimit {
		return false
	}
	_, domain, _ := strings.Cut(s, "@")
	return strings.Contains(strings.Trim(domain, "."), ".")
}

// Ruling is what a coach asks to decide, as it was written.
type Ruling struct {
	Decision string
	Reason   string
	Centre   string
}

// Judge reads the ruling on a recommendation to centre. Whether the other centre
// exists is for the service.
func (r Ruling) Judge(centre string) (Decision, error) {
	d := Decision{What: Act(r.Decision)}
	switch {
	case !slices.Contains(Decisions, d.What):
		return d, halsocoach.Invalid(halsocoach.Field{Name: "decision", Text: "Välj om du tar emot, tackar nej eller skickar vidare."})
	case d.What == Decline:
		if d.Reason = Reason(r.Reason); !d.Reason.Known() {
			return d, halsocoach.Invalid(halsocoach.Field{Name: "reason", Text: "Välj varför ni tackar nej."})
		}
	case d.What == Forward:
		if d.To = r.Centre; d.To == "" {
			return d, halsocoach.Invalid(halsocoach.Field{Name: "centre", Text: "Välj vilket Hälsocenter rekommendationen ska till."})
		}
		if d.To == centre {
			return d, halsocoach.Invalid(halsocoach.Field{Name: "centre", Text: "Rekommendationen är redan hos det Hälsocentret. Välj ett annat."})
		}
	}
	return d, nil
}

// SourceOf is the way in that a sender's role stands for.
func SourceOf(role halsocoach.Role) halsocoach.Source {
	switch role {
	case halsocoach.RoleAssociation:
		return halsocoach.FromAssociation
	case halsocoach.RoleCareCentre:
		return halsocoach.FromCareCentre
	}
	return halsocoach.FromSelf
}

// DecidedError is ErrDecided with what was decided, by whom and when, so that a
// page can say it in the reader's language.
type DecidedError struct {
	Name string // of the colleague
	What Act
	At   time.Time
	fail *halsocoach.Error
}

func decided(d Decision, name string) *DecidedError {
	return &DecidedError{Name: name, What: d.What, At: d.At, fail: &halsocoach.Error{
		Kind: ErrDecided.Kind, Code: ErrDecided.Code, Err: ErrDecided,
		Text: name + " " + verb(d.What) + " rekommendationen " + d.At.In(halsocoach.Stockholm()).Format("2006-01-02 15.04") + ".",
	}}
}

// verb says in a sentence what was decided.
func verb(a Act) string {
	switch a {
	case Accept:
		return "tog emot"
	case Decline:
		return "tackade nej till"
	}
	return "skickade vidare"
}

func (e *DecidedError) Error() string { return e.fail.Error() }
func (e *DecidedError) Unwrap() error { return e.fail }
