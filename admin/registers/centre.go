package registers

import (
	"cmp"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"halsocoach"
	"halsocoach/internal/web"
)

// centre is the document of a Hälsocenter; its id is its code.
type centre struct {
	Code    string         `json:"code"`
	Kommun  string         `json:"kommun"`
	Name    string         `json:"name"`
	Address string         `json:"address,omitempty"`
	Phone   string         `json:"phone,omitempty"`
	Email   string         `json:"email,omitempty"`
	Closed  halsocoach.Day `json:"closed,omitempty"` // "" = open
	Remote  []remote       `json:"remote,omitempty"` // decisions, in the order in which they were written
	Made    string         `json:"made,omitempty"`   // the request that made it
	Digest  string         `json:"digest,omitempty"` // its digest
	Changed time.Time      `json:"changed"`
}

// unit is the document of a care centre or an association.
type unit struct {
	ID      string         `json:"id"`
	Kind    string         `json:"kind"`
	Kommun  string         `json:"kommun"`
	Name    string         `json:"name"`
	Centre  string         `json:"centre"`
	Closed  halsocoach.Day `json:"closed,omitempty"`
	Digest  string         `json:"digest,omitempty"`
	Changed time.Time      `json:"changed"`
}

// The kinds of units.
const (
	CareCentre  = "vårdcentral"
	Association = "förening"
)

// CentreInput is what is to be known of a centre.
type CentreInput struct{ Kommun, Name, Address, Phone, Email string }

// UnitInput is what is to be known of a unit. Centre is the one it usually
// recommends to.
type UnitInput struct{ Kommun, Kind, Name, Centre string }

// The faults of the package.
var (
	ErrLast   = halsocoach.Conflict("last", "Det här är kommunens enda öppna hälsocenter. Lägg till ett annat innan du avslutar det.")
	ErrClosed = halsocoach.Conflict("closed", "Platsen är avslutad i registret. Ta tillbaka den för att ändra den.")
)

const (
	nameLimit    = 80
	addressLimit = 120
)

var phone = regexp.MustCompile(`^\+?[0-9][0-9 ()/-]{4,24}$`)

// tidy trims what people write.
func (w CentreInput) tidy() CentreInput {
	one := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	return CentreInput{w.Kommun, one(w.Name), one(w.Address), one(w.Phone), strings.TrimSpace(w.Email)}
}

// judgeName is what is to be mended of a place's name.
func judgeName(bad *halsocoach.Faults, name string) {
	bad.When(name == "", "name", "Skriv namnet som invånarna känner det.")
	bad.When(utf8.RuneCountInString(name) > nameLimit, "name", "Namnet får vara högst 80 tecken.")
}

// check says what is to be mended.
func (w CentreInput) check() error {
	var bad halsocoach.Faults
	_, known := halsocoach.KommunByCode(w.Kommun)
	bad.When(!known, "kommun", "Välj en av länets kommuner.")
	judgeName(&bad, w.Name)
	bad.When(utf8.RuneCountInString(w.Address) > addressLimit, "address", "Adressen får vara högst 120 tecken.")
	bad.When(w.Phone != "" && !phone.MatchString(w.Phone), "phone", "Skriv telefonnumret med siffror, till exempel 0382-15 20 00.")
	a, err := mail.ParseAddress(w.Email)
	bad.When(w.Email != "" && (err != nil || a.Address != w.Email), "email", "Skriv e-postadressen som namn@kommun.se.")
	return halsocoach.Invalid(bad...)
}

func (w UnitInput) tidy() UnitInput {
	w.Name = strings.Join(strings.Fields(w.Name), " ")
	return w
}

// check says what is to be mended. centres are the kommun's open ones.
func (w UnitInput) check(centres []halsocoach.Centre) error {
	var bad halsocoach.Faults
	_, known := halsocoach.KommunByCode(w.Kommun)
	bad.When(!known, "kommun", "Välj en av länets kommuner.")
	bad.When(w.Kind != CareCentre && w.Kind != Association, "kind", "Välj om det är en vårdcentral eller en förening.")
	judgeName(&bad, w.Name)
	there := slices.ContainsFunc(centres, func(c halsocoach.Centre) bool { return c.Code == w.Centre })
	bad.When(!there, "centre", "Välj ett öppet hälsocenter i kommunen.")
	return halsocoach.Invalid(bad...)
}

func (c centre) shared(today func() halsocoach.Day) halsocoach.Centre {
	return halsocoach.Centre{Code: c.Code, Kommun: c.Kommun, Name: c.Name, Address: c.Address, Phone: c.Phone, Email: c.Email, Closed: c.Closed != "",
		Online: len(c.Remote) > 0 && c.online(today())}
}

func (u unit) shared() halsocoach.Unit {
	return halsocoach.Unit{ID: u.ID, Kind: u.Kind, Kommun: u.Kommun, Name: u.Name, Centre: u.Centre}
}

// codeOf is the code of a kommun's n-th centre: "0684", "0684-2".
func codeOf(kommun string, n int) string {
	if n == 1 {
		return kommun
	}
	return kommun + "-" + strconv.Itoa(n)
}

// number is n of codeOf.
func number(code string) int {
	_, n, ok := strings.Cut(code, "-")
	if !ok {
		return 1
	}
	i, _ := strconv.Atoi(n)
	return i
}

// inOrder sorts as the agreement lists the kommuner, then by number.
func inOrder(centres []halsocoach.Centre) []halsocoach.Centre {
	place := func(kommun string) int {
		return slices.IndexFunc(halsocoach.Kommuner, func(k halsocoach.Kommun) bool { return k.Code == kommun })
	}
	slices.SortFunc(centres, func(a, b halsocoach.Centre) int {
		return cmp.Or(cmp.Compare(place(a.Kommun), place(b.Kommun)), cmp.Compare(number(a.Code), number(b.Code)))
	})
	return centres
}

// byName sorts care centres first, then by name.
func byName(units []halsocoach.Unit) []halsocoach.Unit {
	compare := web.CompareNames()
	slices.SortFunc(units, func(a, b halsocoach.Unit) int {
		return cmp.Or(cmp.Compare(b.Kind, a.Kind), compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return units
}
