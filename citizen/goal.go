package citizen

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"halsocoach"
	"halsocoach/internal/seal"
)

// Goal is what a person wants, in their own words, as it is stored.
type Goal struct {
	ID     string           `json:"id"`
	Digest string           `json:"digest"`
	Person string           `json:"person"`
	Habit  halsocoach.Topic `json:"habit"`
	Words  seal.Sealed      `json:"words"`
	Why    seal.Sealed      `json:"why,omitempty"`
	Steps  []seal.Sealed    `json:"steps,omitempty"` // numbered from 1
	Made   time.Time        `json:"made"`
}

// CheckIn is how a step went, or the goal as a whole (Step 0), as it is stored.
type CheckIn struct {
	ID      string      `json:"id"`
	Digest  string      `json:"digest"`
	Person  string      `json:"person"`
	Goal    string      `json:"goal"`
	Step    int         `json:"step"`
	Outcome Outcome     `json:"outcome"`
	Words   seal.Sealed `json:"words,omitempty"`
	At      time.Time   `json:"at"`
}

// Outcome is how it went. None of them is a failure.
type Outcome string

// Outcomes in the order in which a person chooses among them. The values go over
// the wire.
var Outcomes = []Outcome{"done", "partly", "notnow"}

// Known says whether o is one of Outcomes.
func (o Outcome) Known() bool { return slices.Contains(Outcomes, o) }

// NewGoal is a goal as it was written.
type NewGoal struct {
	Habit halsocoach.Topic
	Words string
	Why   string
	Steps []string
}

// The limits of what is written, in characters, and of steps in number.
const (
	goalLimit = 500
	stepLimit = 200
	stepsMost = 10
	saysLimit = 1000
)

// plain is what was written without spaces around and control characters.
func plain(s string) string { return strings.TrimSpace(halsocoach.Plain(s)) }

// trimmed is the goal without spaces around and without empty steps.
func (g NewGoal) trimmed() NewGoal {
	g.Words, g.Why = plain(g.Words), plain(g.Why)
	var steps []string
	for _, s := range g.Steps {
		if s = plain(s); s != "" {
			steps = append(steps, s)
		}
	}
	g.Steps = steps
	return g
}

// Validate gives the answers to mend, in the form's order.
func (g NewGoal) Validate() error {
	var wrong halsocoach.Faults
	long := func(s string, most int) bool { return utf8.RuneCountInString(s) > most }
	wrong.When(!g.Habit.Known(), "habit", "Välj vad målet handlar om.")
	wrong.When(g.Words == "", "words", "Skriv vad du vill, med dina egna ord.")
	wrong.When(long(g.Words, goalLimit), "words", "Målet får vara högst 500 tecken.")
	wrong.When(long(g.Why, goalLimit), "why", "Skälet får vara högst 500 tecken.")
	many := len(g.Steps) > stepsMost
	longStep := slices.ContainsFunc(g.Steps, func(s string) bool { return long(s, stepLimit) })
	wrong.When(many, "steps", "Ett mål kan ha högst 10 steg. Börja med de första.")
	wrong.When(longStep && !many, "steps", "Ett steg får vara högst 200 tecken.")
	return halsocoach.Invalid(wrong...)
}

// CheckInInput is a check-in as it was written.
type CheckInInput struct {
	Step    int // 1 is the first; 0 is the goal as a whole
	Outcome Outcome
	Words   string
}

// Validate gives the answers to mend. steps is how many the goal has.
func (in CheckInInput) Validate(steps int) error {
	var wrong halsocoach.Faults
	wrong.When(in.Step < 0 || in.Step > steps, "step", "Välj ett av målets steg.")
	wrong.When(!in.Outcome.Known(), "outcome", "Välj hur det gick.")
	wrong.When(utf8.RuneCountInString(in.Words) > saysLimit, "words", "Dina ord får vara högst 1 000 tecken.")
	return halsocoach.Invalid(wrong...)
}
