package notify

import (
	"context"
	"net/mail"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/web"
)

// Template is which words a notice has. All of them are neutral.
type Template string

// The templates.
const (
	Changed Template = "changed" // something has changed
	Waiting Template = "waiting" // something waits to be read
)

// notice is one thing that somebody is to be told. Due is there until it is done
// with.
type notice struct {
	ID       string     `json:"id"`
	To       string     `json:"to"` // person or staff id
	Channel  Channel    `json:"channel"`
	Template Template   `json:"template"`
	About    string     `json:"about,omitempty"` // the conversation that is looked at before it is sent
	At       time.Time  `json:"at"`
	Due      *time.Time `json:"due,omitempty"`
	Attempts int        `json:"attempts,omitempty"`
	Fault    string     `json:"fault,omitempty"`  // class of the last one
	Sent     *time.Time `json:"sent,omitempty"`   // taken by the mail server
	GaveUp   *time.Time `json:"gaveUp,omitempty"` // for the operator
	Done     *time.Time `json:"done,omitempty"`   // sent, given up, or no longer wanted
}

// waits are how long to wait after each try. When they are used up the notice is
// given up: somewhat more than two days after it was due.
var waits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour, 12 * time.Hour, 24 * time.Hour}

// claim takes the notice for one try. It is due again after the wait, in case
// nobody comes back to say how it went.
func (n *notice) claim(now time.Time) {
	again := now.Add(waits[min(n.Attempts, len(waits)-1)])
	n.Attempts++
	n.Due = &again
}

// went marks what came of a try.
func (n *notice) went(now time.Time, f *fault) {
	if f != nil {
		n.Fault = f.class
		if !f.forGood && n.Attempts < len(waits) {
			return
		}
		n.GaveUp = &now
	} else {
		n.Sent, n.Fault = &now, ""
	}
	n.Due, n.Done = nil, &now
}

// drop ends a notice that is no longer wanted.
func (n *notice) drop(now time.Time) { n.Due, n.Done = nil, &now }

// later puts a notice off.
func (n *notice) later(until time.Time) { n.Due = &until }

// Channel is how somebody wants to be told. The values are stored.
type Channel string

// The channels.
const (
	None  Channel = "none"
	Email Channel = "email"
)

// choice is what somebody has chosen for themselves. Key is whose key seals the
// address: a citizen's own; one that is made for it for staff.
type choice struct {
	Person  string      `json:"person"` // or staff id
	Channel Channel     `json:"channel"`
	Key     string      `json:"key,omitempty"`
	Address seal.Sealed `json:"address,omitempty"`
	Lang    string      `json:"lang,omitempty"`
	Since   time.Time   `json:"since"` // of the channel: what happened before is not told
}

// sealedAs is what the address is bound to.
const sealedAs = "notify.address"

// ChoiceInput is a choice as it was written.
type ChoiceInput struct{ Channel, Address string }

const addressLimit = 120

func (in ChoiceInput) tidy() ChoiceInput {
	return ChoiceInput{in.Channel, strings.TrimSpace(halsocoach.Plain(in.Address))}
}

// check says what is to be mended.
func (in ChoiceInput) check() error {
	switch Channel(in.Channel) {
	case None:
		return nil
	case Email:
	default:
		return halsocoach.Invalid(halsocoach.Field{Name: "channel", Text: "Välj om du vill ha e-post eller inte."})
	}
	a, err := mail.ParseAddress(in.Address)
	_, domain, _ := strings.Cut(in.Address, "@")
	if err != nil || a.Address != in.Address || len(in.Address) > addressLimit || !strings.Contains(strings.Trim(domain, "."), ".") {
		return halsocoach.Invalid(halsocoach.Field{Name: "address", Text: "E-postadressen går inte att läsa. Den ser ut som namn@exempel.se."})
	}
	return nil
}

// write is the letter, in the language in which the choice was made: neither
// what has changed nor about whom.
func write(ctx context.Context, t Template, lang, home string) (subject, text string) {
	ctx = web.InLanguage(ctx, lang)
	subject, first := web.T(ctx, "Något har ändrats"), web.T(ctx, "Något har ändrats. Logga in på %s för att se vad.", home)
	if t == Waiting {
		subject, first = web.T(ctx, "Något väntar på dig"), web.T(ctx, "Något väntar på dig. Logga in på %s för att se vad.", home)
	}
	return subject, first + "\n\n" + web.T(ctx, "Du får det här brevet för att du har valt det. Du kan ändra ditt val på %s. Det går inte att svara på brevet.", home+path) + "\n"
}
