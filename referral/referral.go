package referral

import (
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"halsocoach"
	"halsocoach/internal/seal"
)

// Referral is one recommendation of a person to a centre, as it is stored. Who
// the person is stands only in the sendings, sealed.
type Referral struct {
	ID        string     `json:"id"`
	Person    string     `json:"person"`
	Centre    string     `json:"centre"`
	State     State      `json:"state"`
	Received  time.Time  `json:"received"`
	Due       time.Time  `json:"due"`            // first contact is promised by then
	Open      string     `json:"open,omitempty"` // person/centre while a coach is to decide; unique
	Sex       string     `json:"sex,omitempty"`
	AgeBand   string     `json:"ageBand,omitempty"`
	Protected bool       `json:"protected,omitempty"`
	From      string     `json:"from,omitempty"` // the recommendation that was forwarded hither
	Sendings  []Sending  `json:"sendings"`
	Decisions []Decision `json:"decisions,omitempty"`
	// Unenrolled is when the person was accepted, until package citizen has
	// said that the enrolment is made. The sweep finds what was left by it.
	Unenrolled *time.Time `json:"unenrolled,omitempty"`
	// Ended is the class of end that the coach gave, once the work has ended.
	Ended string `json:"ended,omitempty"`
}

// Sending is what one sender has said about the person. Each sees their own.
type Sending struct {
	ID      string             `json:"id"` // made from sender and Idempotency-Key
	Digest  string             `json:"digest"`
	Sender  string             `json:"sender"` // staff id
	Unit    string             `json:"unit"`
	Source  halsocoach.Source  `json:"source"`
	At      time.Time          `json:"at"`
	Topics  []halsocoach.Topic `json:"topics"`
	Consent Consent            `json:"consent"`
	Name    seal.Sealed        `json:"name"`
	Phone   seal.Sealed        `json:"phone,omitempty"`
	Email   seal.Sealed        `json:"email,omitempty"`
	Note    seal.Sealed        `json:"note,omitempty"`
	// Carried is the recommendation from which a forwarding brought it here.
	Carried string `json:"carried,omitempty"`
}

// Consent is the person's yes to being recommended: who asked, and when.
type Consent struct {
	Given bool           `json:"given"`
	Asked string         `json:"asked"` // staff id
	On    halsocoach.Day `json:"on"`
}

// Decision is what a coach decided.
type Decision struct {
	ID     string    `json:"id"` // made from coach and Idempotency-Key
	Digest string    `json:"digest"`
	What   Act       `json:"what"`
	Reason Reason    `json:"reason,omitempty"`
	To     string    `json:"to,omitempty"` // the centre, when forwarded
	By     string    `json:"by"`           // staff id
	At     time.Time `json:"at"`
}

// Verdict is the decision, or nil while nobody has decided.
func (r Referral) Verdict() *Decision {
	if len(r.Decisions) == 0 {
		return nil
	}
	return &r.Decisions[len(r.Decisions)-1]
}

// Topics are those of all the senders, each once, in the agreement's order.
func (r Referral) Topics() []halsocoach.Topic {
	var out []halsocoach.Topic
	for _, t := range halsocoach.Topics {
		if slices.ContainsFunc(r.Sendings, func(s Sending) bool { return slices.Contains(s.Topics, t) }) {
			out = append(out, t)
		}
	}
	return out
}

// SendingOf is the sender's own sending, the newest if they have sent several.
func (r Referral) SendingOf(staff string) (Sending, bool) {
	for _, s := range slices.Backward(r.Sendings) {
		if s.Sender == staff {
			return s, true
		}
	}
	return Sending{}, false
}

// ownID is under which id the sender sees their sending. It is not the
// recommendation's, so that nobody can tell whether another was there before.
func (r Referral) ownID(x Sending) string {
	if x.Carried == "" {
		return x.ID
	}
	return x.ID + "." + halsocoach.IDFrom("carried", r.ID, x.ID)[:10]
}

// enter puts the recommendation among those that wait for a coach.
func (r *Referral) enter() {
	r.State, r.Open = Received, r.Person+"/"+r.Centre
}

// move does act and keeps the fields that lie in indexes true.
func (r *Referral) move(act Act, by halsocoach.Role) error {
	next, err := r.State.After(act, by)
	if err != nil {
		return err
	}
	r.State = next
	if !next.Open() {
		r.Open = ""
	}
	return nil
}

// at says whether the coach is one of the centre's.
func (r Referral) at(who halsocoach.Actor) bool {
	return who.Role == halsocoach.RoleCoach && who.Centre != "" && who.Centre == r.Centre
}

// MayOpen says whether the coach may open the recommendation: those of the
// centre, and for a person with protected identity who has been taken in only
// the coach who did.
func (r Referral) MayOpen(who halsocoach.Actor) bool {
	if !r.at(who) {
		return false
	}
	if v := r.Verdict(); r.Protected && v != nil {
		return v.By == who.ID
	}
	return true
}

// ShowsPerson says whether name and contact are shown to the coach. For a person
// with protected identity they are not, until the coach has taken them in and
// with that has become the one who may open the file.
func (r Referral) ShowsPerson(who halsocoach.Actor) bool {
	return r.MayOpen(who) && (!r.Protected || r.State.TakenIn())
}

// Wish is what a sender asks for, as it was written.
type Wish struct {
	Personnummer string
	Name         string
	Phone        string
	Email        string
	Topics       []halsocoach.Topic
	Centre       string
	Consent      bool
	Protected    bool
	Note         string
}

// The limits of what is written, in characters.
const (
	nameLimit    = 120
	contactLimit = 120
	noteLimit    = 2000
)

// Judge reads the wish by the rules: the number if there is one, or each answer
// to mend in the form's order. Whether the centre exists is for the service.
func (w Wish) Judge(now time.Time) (halsocoach.Number, error) {
	var wrong []halsocoach.Field
	miss := func(name, text string) { wrong = append(wrong, halsocoach.Field{Name: name, Text: text}) }
	switch n := utf8.RuneCountInString(w.Name); {
	case n == 0:
		miss("name", "Skriv vad personen heter.")
	case n > nameLimit:
		miss("name", "Namnet får vara högst 120 tecken.")
	}
	var number halsocoach.Number
	if w.Personnummer != "" {
		var err error
		if number, err = halsocoach.ParseNumber(w.Personnummer, now); err != nil {
			miss("personnummer", NumberWords(err))
		}
	}
	switch {
	case w.Phone == "" && w.Email == "":
		miss("phone", "Skriv ett telefonnummer eller en e-postadress, så att hälsocoachen kan höra av sig.")
	default:
		if w.Phone != "" && !phone(w.Phone) {
			miss("phone", "Telefonnumret går inte att läsa. Skriv det med siffror, till exempel 070-123 45 67.")
		}
		if w.Email != "" && !email(w.Email) {
			miss("email", "E-postadressen går inte att läsa. Den ser ut som namn@exempel.se.")
		}
	}
	switch {
	case len(w.Topics) == 0:
		miss("topics", "Välj minst ett område som personen vill ha stöd med.")
	case slices.ContainsFunc(w.Topics, func(t halsocoach.Topic) bool { return !t.Known() }):
		miss("topics", "Välj bland de områden som står i listan.")
	}
	if w.Centre == "" {
		miss("centre", "Välj vilket Hälsocenter rekommendationen ska till.")
	}
	if !w.Consent {
		miss("consent", "Fråga personen först. Utan ett ja kan du inte skicka rekommendationen.")
	}
	if utf8.RuneCountInString(w.Note) > noteLimit {
		miss("note", "Meddelandet får vara högst 2 000 tecken.")
	}
	return number, halsocoach.Invalid(wrong...)
}

// trimmed is the wish without spaces around and control characters, and with
// each topic once.
func (w Wish) trimmed() Wish {
	for _, s := range []*string{&w.Personnummer, &w.Name, &w.Phone, &w.Email, &w.Centre, &w.Note} {
		*s = strings.TrimSpace(halsocoach.Plain(*s))
	}
	w.Name = strings.Join(strings.Fields(w.Name), " ")
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
	if role == halsocoach.RoleAssociation {
		return halsocoach.FromAssociation
	}
	return halsocoach.FromCareCentre
}

// ErrDecided says that somebody has decided already. The service answers with
// its like that names who.
var ErrDecided = halsocoach.Conflict("decided", "Rekommendationen är redan avgjord.")

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
