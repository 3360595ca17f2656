package record

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
	"halsocoach/internal/web"
)

// NewReferral is what somebody asks to have received, as it was written.
type NewReferral struct {
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
}

// Asked is what a form about a person asks for.
func Asked(f *web.Form) NewReferral {
	n := NewReferral{Personnummer: f.Get("personnummer"), Name: f.Get("name"), Phone: f.Get("phone"), Email: f.Get("email"),
		Kommun: f.Get("kommun"), Centre: f.Get("centre"),
		Consent: f.Has("consent", "ja"), ConsentOn: halsocoach.Day(f.Get("consentOn")), Scope: Scope(f.Get("consentScope")),
		Language: f.Get("language"), Interpreter: f.Has("interpreter", "ja"), Protected: f.Has("protected", "ja"),
		Wants: f.Get("wants"), Note: f.Get("note")}
	for _, t := range f.All("topics") {
		n.Topics = append(n.Topics, halsocoach.Topic(t))
	}
	return n
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

// Validate reads it by the rules for the one who asks: the number if there is one,
// or each answer to mend in the form's order. A visitor asks to be called and says
// no topics. An association sends neither number nor note: nobody there is asked for
// them. Whether the centre takes the person in is for Records.Validate.
func (n NewReferral) Validate(who halsocoach.Actor, now time.Time) (halsocoach.Number, error) {
	number, wrong := n.validatePerson(now)
	miss := func(name, text string) { wrong = append(wrong, halsocoach.Field{Name: name, Text: text}) }
	if who.Role == halsocoach.RoleAssociation {
		if n.Personnummer != "" {
			miss("personnummer", "En förening skickar inget personnummer. Lämna det tomt.")
		}
		if n.Note != "" {
			miss("note", "En förening skickar inget meddelande. Skriv personens egna ord i stället.")
		}
	}
	switch {
	case len(n.Topics) == 0 && who.Role != "":
		miss("topics", "Välj minst ett område som personen vill ha stöd med.")
	case slices.ContainsFunc(n.Topics, func(t halsocoach.Topic) bool { return !t.Known() }):
		miss("topics", "Välj bland de områden som står i listan.")
	}
	if utf8.RuneCountInString(n.Wants) > noteLimit {
		miss("wants", "Texten får vara högst 2 000 tecken.")
	}
	if utf8.RuneCountInString(n.Note) > noteLimit {
		miss("note", "Meddelandet får vara högst 2 000 tecken.")
	}
	if _, ok := halsocoach.KommunByCode(n.Kommun); !ok && n.Kommun != "" && n.Kommun != halsocoach.County {
		miss("kommun", "Välj en av länets kommuner.")
	}
	if n.Centre == "" {
		miss("centre", "Välj vilket Hälsocenter rekommendationen ska till.")
	}
	if !n.Consent {
		miss("consent", "Fråga personen först. Utan ett ja kan du inte skicka rekommendationen.")
	}
	if n.ConsentOn != "" {
		switch today := halsocoach.DayOf(now); {
		case !n.ConsentOn.Valid():
			miss("consentOn", "Välj den dag då personen sa ja.")
		case n.ConsentOn > today:
			miss("consentOn", "Dagen då personen sa ja kan inte ligga framåt i tiden.")
		case n.ConsentOn < today.Plus(-consentDays):
			miss("consentOn", "Det är mer än ett år sedan personen sa ja. Fråga igen.")
		}
	}
	if n.Scope != "" && !n.Scope.Known() {
		miss("consentScope", "Välj vad personen har sagt att du får se.")
	}
	switch {
	case utf8.RuneCountInString(n.Placer) > placerLimit:
		miss("placer", "Beteckningen får vara högst 200 tecken.")
	case n.placerTells(number, now):
		miss("placer", "Beteckningen innehåller ett personnummer. Använd en egen beteckning som inte säger vem personen är.")
	}
	return number, halsocoach.Invalid(wrong...)
}

// placerTells says whether the sender's own identifier says who a person is: it is
// stored as it was sent. It does when the patient's number lies anywhere in it, or
// when a part of it is somebody's. Ten digits alone may be a number in a series.
func (n NewReferral) placerTells(number halsocoach.Number, now time.Time) bool {
	placer, err := url.PathUnescape(n.Placer)
	if err != nil {
		placer = n.Placer
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

// validatePerson is who it is and how they are reached.
func (n NewReferral) validatePerson(now time.Time) (number halsocoach.Number, wrong []halsocoach.Field) {
	miss := func(name, text string) { wrong = append(wrong, halsocoach.Field{Name: name, Text: text}) }
	switch letters := utf8.RuneCountInString(n.Name); {
	case letters == 0:
		miss("name", "Skriv vad personen heter.")
	case letters > nameLimit:
		miss("name", "Namnet får vara högst 120 tecken.")
	}
	if n.Personnummer != "" {
		var err error
		if number, err = halsocoach.ParseNumber(n.Personnummer, now); err != nil {
			miss("personnummer", NumberWords(err))
		}
	}
	wrong = append(wrong, Contact{n.Phone, n.Email}.Validate()...)
	if n.Language != "" && !languageTag.MatchString(n.Language) {
		miss("language", "Välj ett språk i listan.")
	}
	return number, wrong
}

// Contact is how somebody is reached, as it was written.
type Contact struct{ Phone, Email string }

// Validate gives each answer to mend.
func (c Contact) Validate() (wrong []halsocoach.Field) {
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

// Trimmed is what was asked without spaces around and control characters, and with
// each topic once.
func (n NewReferral) Trimmed() NewReferral {
	for _, s := range []*string{&n.Personnummer, &n.Name, &n.Phone, &n.Email, &n.Kommun, &n.Centre, &n.Language, &n.Wants, &n.Note, &n.Placer} {
		*s = strings.TrimSpace(halsocoach.Plain(*s))
	}
	n.Name = strings.Join(strings.Fields(n.Name), " ")
	if n.Language == "sv" {
		n.Language = ""
	}
	var topics []halsocoach.Topic
	for _, t := range n.Topics {
		if !slices.Contains(topics, t) {
			topics = append(topics, t)
		}
		if len(topics) > len(halsocoach.Topics) {
			break // one of them is unknown already, so the rest need no look
		}
	}
	n.Topics = topics
	return n
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
