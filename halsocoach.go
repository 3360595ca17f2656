// Package halsocoach holds the words that every part of the service shares:
// who acts (Actor), what may go wrong (Error), what has happened (Event, Fact),
// days, identity numbers and the thirteen kommuner. It imports the standard
// library only, so that any package may import it. Packages that need each
// other meet here: the interfaces below are declared in the words of this
// package and tied together in cmd.
package halsocoach

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Clock tells the time. Rules never ask for it themselves: they get it as a
// parameter from the service, which got its Clock from cmd.
type Clock func() time.Time

// Topic is what a person wants to work with. The values go over the wire.
type Topic string

// Topics are those of the agreement, in its order.
var Topics = []Topic{"mat", "sömn", "återhämtning", "fysisk aktivitet", "stresshantering", "kultur och fritid"}

// Known says whether t is one of Topics.
func (t Topic) Known() bool { return slices.Contains(Topics, t) }

// Source is the way a person came.
type Source string

// The three ways in of the agreement; all are counted by source.
const (
	FromCareCentre  Source = "vårdcentral"
	FromAssociation Source = "förening"
	FromSelf        Source = "egen kontakt"
)

// Kinds of facts, which are what the administrative side counts.
const (
	CountReferral   = "recommendation"
	CountFirstTalk  = "first_talk"
	CountFollowUp   = "followup_talk"
	CountGroupDate  = "group_date"
	CountAttendance = "attendance"
	CountChat       = "chat_contact" // one per conversation and day
	CountHandOver   = "handover"
	CountEnded      = "ended"
)

// CountKinds in the order in which they are shown.
var CountKinds = []string{CountReferral, CountFirstTalk, CountFollowUp, CountGroupDate, CountAttendance, CountChat, CountHandOver, CountEnded}

var stockholm = sync.OnceValue(func() *time.Location {
	loc, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		panic("halsocoach: no time zone Europe/Stockholm; import time/tzdata: " + err.Error())
	}
	return loc
})

// Stockholm is the time zone in which people meet and days begin.
func Stockholm() *time.Location { return stockholm() }

// Day is a local date, "2006-01-02". Days sort as text.
type Day string

// DayOf is the local date of t.
func DayOf(t time.Time) Day { return Day(t.In(Stockholm()).Format(time.DateOnly)) }

// Valid says whether d is a real date.
func (d Day) Valid() bool {
	_, err := time.Parse(time.DateOnly, string(d))
	return err == nil
}

// Start is the first moment of the day. A day has 23 to 25 hours, so add days
// with Plus and never with hours.
func (d Day) Start() time.Time {
	t, _ := time.ParseInLocation(time.DateOnly, string(d), Stockholm())
	return t
}

// At is the time of day, minutes after midnight by the clock on the wall.
func (d Day) At(minutes int) time.Time {
	t := d.Start()
	return time.Date(t.Year(), t.Month(), t.Day(), minutes/60, minutes%60, 0, 0, Stockholm())
}

// Plus is the day n days later.
func (d Day) Plus(n int) Day {
	t := d.Start()
	return DayOf(time.Date(t.Year(), t.Month(), t.Day()+n, 12, 0, 0, 0, Stockholm()))
}

// Until is the number of days from d to another day, negative when that was before.
func (d Day) Until(other Day) int {
	// From noon to noon it is whole days, give or take the hour of a moved clock.
	return int(math.Round(other.At(12*60).Sub(d.At(12*60)).Hours() / 24))
}

// Month is "2006-01".
func (d Day) Month() string {
	if len(d) < 7 {
		return ""
	}
	return string(d[:7])
}

// Request is what makes a repeated request one request: the caller's
// Idempotency-Key. Forms carry one in a hidden field; without one a caller gets
// a random key, so that every call is a request of its own.
type Request struct{ Key string }

// ID is the id of what the request makes: the same for the same actor, route
// and key, and not to be guessed by others.
func (r Request) ID(who Actor, route string) string {
	mac := hmac.New(sha256.New, []byte(r.Key))
	mac.Write([]byte(who.ID + "\x00" + route))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// Digest ties the key to what was asked, so that the same key with another
// body can be refused (ErrKeyReused). It is keyed by the request's key, which
// is not stored, and so gives nothing away about what was asked.
func (r Request) Digest(asked any) string {
	body, err := json.Marshal(asked)
	if err != nil {
		panic("halsocoach: a request that is not JSON: " + err.Error())
	}
	mac := hmac.New(sha256.New, []byte("asked\x00"+r.Key))
	mac.Write(body)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:12])
}

// Plain is what somebody wrote without the control characters that nobody
// writes, NUL among them; new lines, as \n, and tabs stay.
func Plain(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
}

// NewID is a random id of 128 bits.
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// IDFrom is an id made from parts: the same parts give the same id. Steps that
// an event causes use it, so that they may be repeated.
func IDFrom(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// Appointment is something a person has agreed to come to.
type Appointment struct {
	ID     string    `json:"id"`
	What   string    `json:"what"` // "first", "followup" or "group"
	Title  string    `json:"title"`
	Place  string    `json:"place"`
	Path   string    `json:"path"` // the page that shows it
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends"`
}

// Enrolment is what other packages may know of a person who has been taken in.
// Coming and past talks, goals and conversations belong to it.
type Enrolment struct {
	ID       string
	Referral string // the recommendation it was made from
	Person   string // opaque id
	Centre   string
	Kommun   string
	Coach    string // staff id
	Source   Source
	Topics   []Topic
	Sex      string // "kvinna", "man" or ""; for counting only
	AgeBand  string // see AgeBand; for counting only
	Since    time.Time
	Ended    bool
}

// Dims are the dimensions in which the work with this person is counted.
func (e Enrolment) Dims() map[string]string {
	topics := make([]string, len(e.Topics))
	for i, t := range e.Topics {
		topics[i] = string(t)
	}
	return map[string]string{DimSource: string(e.Source), DimTopic: strings.Join(topics, "|"), DimSex: e.Sex, DimAge: e.AgeBand}
}

// Accepted is a recommendation that a coach has taken in: what the enrolment is
// made from. Name, Phone and Email are opened for the call and sealed again by
// whoever keeps them.
type Accepted struct {
	Referral           string // document id
	Person             string
	Centre             string
	Coach              string // staff id of the one who accepted
	Source             Source
	Topics             []Topic
	Name, Phone, Email string
	Sex, AgeBand       string
	At                 time.Time
}

// Unread is what waits in a person's conversations.
type Unread struct {
	Conversations int       // with something unread
	Messages      int       // unread altogether
	Path          string    // where to go: the one conversation, or the list
	Oldest        time.Time // for staff: since when somebody has waited for an answer
}
