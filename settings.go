package halsocoach

import "context"

// Terms are what a kommun, and for some things a centre, has decided: the
// settings in force on a day. Where nobody has decided, the default stands.
type Terms struct {
	PromiseDays        int    // days to first contact with a person who was recommended
	OwnResidentsFirst  int    // days during which only own residents may book a new occasion
	FirstTalkMinutes   int    // length of a first talk
	FollowUpMinutes    int    // length of a follow-up talk
	BookAheadDays      int    // how far ahead a talk can be booked
	UnansweredHours    int    // hours after which an unanswered message is late
	HideBelow          int    // k: counts 1..k-1 are hidden in published tables
	BegunMonthsCounted bool   // whether a begun month of service counts for funding (open in the agreement)
	LegalFrame         string // "hsl" or "kommunal": whether the work is health care (open question)
	MinAge, MaxAge     int    // age limits of the target group; 0 = none
	OpenToCounty       bool   // whether people of other kommuner may choose the centre
	FlagDays           int    // days after which a recommendation that nobody has taken counts for the local steering group
}

// Settings reads the terms. centre may be empty; then it is the kommun's.
type Settings interface {
	Terms(ctx context.Context, kommun, centre string, on Day) (Terms, error)
}

// DefaultTerms stand where nobody has decided.
var DefaultTerms = Terms{
	PromiseDays: 7, OwnResidentsFirst: 0, FirstTalkMinutes: 60, FollowUpMinutes: 45, BookAheadDays: 42,
	UnansweredHours: 24, HideBelow: 5, BegunMonthsCounted: true, LegalFrame: "hsl", FlagDays: 14,
}

// Centre is a Hälsocenter as other packages see it.
type Centre struct {
	Code, Kommun, Name, Address, Phone, Email string
	Closed                                    bool
	Online                                    bool // takes people of the whole county in, from afar
}

// Unit is a care centre or an association as other packages see it.
type Unit struct {
	ID, Kind, Kommun, Name string // Kind is "vårdcentral" or "förening"
	Centre                 string // the centre it usually recommends to
}

// Registers reads the registers of places and units, from memory kept fresh by
// events: cheap to call on a request's path.
type Registers interface {
	Centre(ctx context.Context, code string) (Centre, error)
	Centres(ctx context.Context, kommun string) ([]Centre, error) // kommun "" = all
	Unit(ctx context.Context, id string) (Unit, error)
}

// StaffMember is a colleague as other packages see them.
type StaffMember struct {
	ID     string
	Name   string
	Role   Role
	Kommun string
	Centre string
	Ended  bool
}

// Staff reads the register of staff, from memory kept fresh by events.
type Staff interface {
	Member(ctx context.Context, id string) (StaffMember, error)
	Coaches(ctx context.Context, centre string) ([]StaffMember, error)
}
