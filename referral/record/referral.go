package record

import (
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Referral is one recommendation of a person to a centre, as it is stored. Who
// the person is stands only in the sendings, sealed.
type Referral struct {
	ID       string    `json:"id"`
	Person   string    `json:"person"`
	Centre   string    `json:"centre"`
	State    State     `json:"state"`
	Received time.Time `json:"received"`
	Due      time.Time `json:"due"`              // first contact is promised by then
	Open     string    `json:"open,omitempty"`   // person/centre while a coach is to decide; unique
	Queue    string    `json:"queue,omitempty"`  // the centre while a coach is to decide
	CallMe   string    `json:"callMe,omitempty"` // the centre while a coach is to ask what a caller wants
	// Filters are the lists of the inbox in which it stands beside Queue, see Filter.
	Filters   []string   `json:"filters,omitempty"`
	Untouched string     `json:"untouched,omitempty"` // the kommun while nobody has taken it
	Changed   time.Time  `json:"changed,omitzero"`    // when what a sender may see last changed
	Sex       string     `json:"sex,omitempty"`
	AgeBand   string     `json:"ageBand,omitempty"`
	From      string     `json:"from,omitempty"`  // the recommendation that was forwarded hither
	Taken     *Holder    `json:"taken,omitempty"` // while a coach has it
	Sendings  []Sending  `json:"sendings"`
	Attempts  []Attempt  `json:"attempts,omitempty"` // to reach the person, while it is undecided
	Decisions []Decision `json:"decisions,omitempty"`
	// Unenrolled is when the person was accepted, until package citizen has
	// said that the enrolment is made. The sweep finds what was left by it.
	Unenrolled *time.Time `json:"unenrolled,omitempty"`
	// Unsent is when it was forwarded, until the new one at the other centre is made.
	Unsent *time.Time `json:"unsent,omitempty"`
	// Leads is there while others follow what was done to this one, see together.go.
	Leads *Lead `json:"leads,omitempty"`
	// Enrolment is the one that was made from it, or that it joined.
	Enrolment string `json:"enrolment,omitempty"`
	// First is how it stands with the first talk, since FirstAt.
	First   FirstTalk  `json:"first,omitempty"`
	FirstAt *time.Time `json:"firstAt,omitempty"`
	// Ended is the class of end that the coach gave, once the work has ended.
	Ended string `json:"ended,omitempty"`
}

// Holder is which coach has it while it is undecided.
type Holder struct {
	By string    `json:"by"` // staff id
	At time.Time `json:"at"`
}

// Sending is what one sender has said about the person. Each sees their own.
type Sending struct {
	ID        string             `json:"id"` // made from sender and Idempotency-Key
	Digest    string             `json:"digest"`
	Sender    string             `json:"sender,omitempty"` // staff id; the person's id for an own contact; absent for a caller
	Unit      string             `json:"unit,omitempty"`
	Source    halsocoach.Source  `json:"source"`
	At        time.Time          `json:"at"`
	Topics    []halsocoach.Topic `json:"topics"`
	Consent   Consent            `json:"consent"`
	Kommun    string             `json:"kommun,omitempty"`   // the person's, if it was said
	Language  string             `json:"language,omitempty"` // BCP 47; absent = Swedish
	Interpret bool               `json:"interpreter,omitempty"`
	// SaidProtected is what this sender said, for their own page. Whether the
	// person has protected identity is for package person to say.
	SaidProtected bool        `json:"saidProtected,omitempty"`
	Name          seal.Sealed `json:"name"`
	Phone         seal.Sealed `json:"phone,omitempty"`
	Email         seal.Sealed `json:"email,omitempty"`
	Wants         seal.Sealed `json:"wants,omitempty"`  // the person's own words
	Note          seal.Sealed `json:"note,omitempty"`   // the sender's
	Placer        string      `json:"placer,omitempty"` // the sender's own identifier, "system|value"
	// Carried is the recommendation from which a forwarding brought it here, and
	// Came when it did.
	Carried string    `json:"carried,omitempty"`
	Came    time.Time `json:"came,omitzero"`
	Due     time.Time `json:"due,omitzero"` // first contact is promised to this sender by then
	// Gone is when the sending was called back; nil while it holds.
	Gone *Gone `json:"gone,omitempty"`
	// Last is what the sender last saw, once the person has taken the consent back.
	Last *Seen `json:"last,omitempty"`
	// Changed is when what this sender may see last changed; Mine finds it by
	// what they see.
	Changed time.Time `json:"changed,omitzero"`
	Mine    string    `json:"mine,omitempty"` // sender/state
}

// Consent is the person's yes to being recommended: who asked, when, and what
// the one who recommended may see afterwards.
type Consent struct {
	Given bool           `json:"given"`
	Asked string         `json:"asked"` // staff id; the person's own for an own contact
	On    halsocoach.Day `json:"on"`
	Scope Scope          `json:"scope,omitempty"`
	// Back is when it was taken back, by the person or by the sender's word.
	Back   *time.Time `json:"back,omitempty"`
	BackBy string     `json:"backBy,omitempty"` // staff id, or the person's own
}

// Gone is how a sending came to hold no longer.
type Gone struct {
	How Act       `json:"how"` // Withdraw or Err
	By  string    `json:"by"`  // staff id, or the person's own
	At  time.Time `json:"at"`
}

// Seen is what one sender may see of how it goes.
type Seen struct {
	State  State     `json:"state"`
	Reason Reason    `json:"reason,omitempty"`
	First  FirstTalk `json:"first,omitempty"`
	Ended  string    `json:"ended,omitempty"`
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
func (r Referral) Topics() []halsocoach.Topic { return TopicsOf(r) }

// TopicsOf are those of the senders of several recommendations.
func TopicsOf(all ...Referral) []halsocoach.Topic {
	var said []halsocoach.Topic
	for i := range all {
		for _, x := range all[i].Holding() {
			said = append(said, x.Topics...)
		}
	}
	var out []halsocoach.Topic
	for _, t := range halsocoach.Topics {
		if slices.Contains(said, t) {
			out = append(out, t)
		}
	}
	return out
}

// Holding are the sendings that have not been called back, or all when none
// holds.
func (r Referral) Holding() []Sending {
	gone := func(x Sending) bool { return x.Gone != nil }
	if !slices.ContainsFunc(r.Sendings, gone) {
		return r.Sendings
	}
	if out := slices.DeleteFunc(slices.Clone(r.Sendings), gone); len(out) > 0 {
		return out
	}
	return r.Sendings
}

// Language is what the person wants to speak, by the last who said so, "" for
// Swedish, and whether an interpreter is needed.
func (r Referral) Language() (tag string, interpreter bool) {
	for _, x := range r.Holding() {
		if x.Language != "" {
			tag = x.Language
		}
		interpreter = interpreter || x.Interpret
	}
	return tag, interpreter
}

// Arrived is when the sending came to this recommendation.
func (x Sending) Arrived() time.Time {
	if x.Carried != "" {
		return x.Came
	}
	return x.At
}

// KnownTo says whether it is this sender's own and they know of it. Of one that
// was forwarded after the person had taken the consent back they do not.
func (x Sending) KnownTo(staff string) bool {
	hidden := x.Carried != "" && x.Consent.Back != nil && !x.Consent.Back.After(x.Came)
	return staff != "" && x.Sender == staff && !hidden
}

// stateFor is the state as the sender of x may know it. Who joins one that a coach
// has taken already does not see that: it would tell that somebody was before.
func (r Referral) stateFor(x Sending) State {
	if r.Taken != nil && x.Arrived().After(r.Taken.At) {
		return Received
	}
	return r.State
}

// SeenBy is what the sender of x may see.
func (r Referral) SeenBy(x Sending) Seen {
	switch {
	case x.Gone != nil && x.Gone.How == Err:
		return Seen{State: Erred}
	case x.Gone != nil:
		return Seen{State: Withdrawn}
	case x.Last != nil:
		return *x.Last
	}
	seen := Seen{State: r.stateFor(x), First: x.Consent.Scope.Shows(r.First), Ended: r.Ended}
	if v := r.Verdict(); v != nil {
		seen.Reason = v.Reason
	}
	return seen
}

// OwnID is under which id the sender sees their sending. It is not the
// recommendation's, so that nobody can tell whether another was there before.
func (x Sending) OwnID() string {
	if x.Carried == "" {
		return x.ID
	}
	return x.ID + "." + halsocoach.IDFrom("carried", x.Carried, x.ID)[:10]
}

// enter puts the recommendation among those that wait for a coach.
func (r *Referral) enter() {
	r.State = Received
	r.index(nil, r.Received)
}

// move does act and keeps what goes with the state true.
func (r *Referral) move(act Act, by halsocoach.Role) error {
	next, err := r.State.After(act, by)
	if err != nil {
		return err
	}
	r.State = next
	if next == Received || !next.Open() {
		r.Taken = nil
	}
	return nil
}

// seen is what each of the senders sees, by the sending's id.
func (r Referral) seen() map[string]Seen {
	out := make(map[string]Seen, len(r.Sendings))
	for _, x := range r.Sendings {
		out[x.ID] = r.SeenBy(x)
	}
	return out
}

// index keeps the fields that lie in indexes true, after a change at now; before
// is what the senders saw.
func (r *Referral) index(before map[string]Seen, now time.Time) {
	now = now.UTC()
	r.Open, r.Queue, r.CallMe, r.Untouched, r.Filters = "", "", "", "", nil
	if r.State.Open() {
		r.Open, r.Queue, r.Filters = r.Person+"/"+r.Centre, r.Centre, r.filters()
		if len(r.Topics()) == 0 {
			r.CallMe = r.Centre // only a caller has said nothing of what they want
		}
	}
	if r.State == Received {
		r.Untouched = halsocoach.KommunOfCentre(r.Centre)
	}
	for i := range r.Sendings {
		x := &r.Sendings[i]
		seen, mine := r.SeenBy(*x), ""
		if x.KnownTo(x.Sender) {
			mine = x.Sender + "/" + string(seen.State)
		}
		was, had := before[x.ID]
		same := had && was == seen
		if !had { // new, or come from another recommendation of the person
			same = !x.Changed.IsZero() && x.Mine == mine
		}
		if !same {
			x.Changed = store.Later(now, x.Changed)
			r.Changed = store.Later(now, r.Changed)
		}
		x.Mine = mine
	}
}

// At says whether the coach is one of the centre's.
func (r Referral) At(who halsocoach.Actor) bool {
	return who.Role == halsocoach.RoleCoach && who.Centre != "" && who.Centre == r.Centre
}

// MayOpen says whether the coach may open the recommendation: those of the
// centre, and once a person with protected identity has been decided on only the
// coach who did.
func (r Referral) MayOpen(who halsocoach.Actor, protected bool) bool {
	if !r.At(who) {
		return false
	}
	if v := r.Verdict(); protected && v != nil {
		return v.By == who.ID
	}
	return true
}

// ShowsPerson says whether name and contact are shown to the coach. Of somebody
// who no longer wants it they are not. Of a person with protected identity they are
// shown only to the coach who has taken the recommendation and is to call, and then
// to the coach who has taken the person in.
func (r Referral) ShowsPerson(who halsocoach.Actor, protected bool) bool {
	holds := r.Taken != nil && r.Taken.By == who.ID
	return r.MayOpen(who, protected) && r.State != Withdrawn && (!protected || r.State.TakenIn() || holds)
}

// Over is the time before which the promises lie that have passed at now: a promise
// lasts its day out.
func Over(now time.Time) time.Time { return halsocoach.DayOf(now).Start() }
