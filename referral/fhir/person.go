package fhir

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"halsocoach"
	"halsocoach/referral/record"
)

var twelve = regexp.MustCompile(`^[0-9]{12}$`)

// person reads the Patient.
func (r *reader) person() {
	p, root := &r.o.patient.v, r.o.patient.root
	r.number(p, root)
	r.called(p, root)
	r.reach(p, root)
	r.missIf(p.Active != nil && !*p.Active, r4.IssueTypeBusinessRule, root+".active", "Personuppgiften är inte i bruk.")
	r.missIf(p.DeceasedBoolean != nil && *p.DeceasedBoolean || p.DeceasedDateTime != nil,
		r4.IssueTypeBusinessRule, root+".deceased", "Personen är avliden.")
	r.missIf(len(p.Link) > 0, r4.IssueTypeNotSupported, root+".link", "Skicka den Patient som gäller, utan länkar till andra.")
	r.lives(p, root)
	r.speech(p, root)
}

// number reads the identity number, if there is one.
func (r *reader) number(p *r4.Patient, root string) {
	var number halsocoach.Number
	for i, id := range p.Identifier {
		at := root + ".identifier[" + strconv.Itoa(i) + "]"
		system := value(id.System)
		switch {
		case system != systemPersonnummer && system != systemSamordning:
			r.miss(r4.IssueTypeNotSupported, at+".system", "Vi tar emot personnummer och samordningsnummer. Skicka inga andra beteckningar.")
		case !number.IsZero():
			r.miss(r4.IssueTypeInvariant, at, "Skicka ett nummer: personnumret, om personen har ett.")
		case !twelve.MatchString(value(id.Value)):
			r.miss(r4.IssueTypeValue, at+".value", "Numret ska ha tolv siffror, utan bindestreck.")
		default:
			var err error
			if number, err = halsocoach.ParseNumber(*id.Value, r.now); err != nil {
				r.miss(r4.IssueTypeValue, at+".value", record.NumberWords(err))
			} else if number.Coordination() != (system == systemSamordning) {
				r.miss(r4.IssueTypeValue, at+".system", "Numret är av det andra slaget: ett samordningsnummer har dagen plus 60.")
			}
			r.asked.Personnummer = *id.Value
			r.found("personnummer", at+".value")
		}
	}
	if p.BirthDate == nil {
		return
	}
	switch year, begins, ok := birthDate(*p.BirthDate); {
	case !ok:
		r.miss(r4.IssueTypeValue, root+".birthDate", "Datumet finns inte. Skriv det som 1961-01-18.")
	case begins > halsocoach.DayOf(r.now):
		r.miss(r4.IssueTypeValue, root+".birthDate", "Födelsedagen har inte varit än.")
	case !number.IsZero() && !strings.HasPrefix(number.Digits(), year):
		r.miss(r4.IssueTypeInvariant, root+".birthDate", "Födelsedagen stämmer inte med numret.")
	}
}

// called reads the name that the person goes by now.
func (r *reader) called(p *r4.Patient, root string) {
	r.found("name", root+".name")
	best := len(nameUses)
	for i, n := range p.Name {
		at := root + ".name[" + strconv.Itoa(i) + "]"
		whole := strings.TrimSpace(strings.Join(append(slices.Clone(n.Given), value(n.Family)), " "))
		where := at
		if whole == "" {
			whole, where = value(n.Text), at+".text"
		}
		use := r4.NameUse(-1)
		if n.Use != nil {
			use = *n.Use
		}
		rank := slices.Index(nameUses, use)
		if whole == "" || rank < 0 || rank >= best || !r.holds(n.Period, at+".period") {
			continue
		}
		best, r.asked.Name = rank, whole
		r.found("name", where)
	}
}

// nameUses are the uses of a name that the person has now, the best first; -1 is
// no use. Old, maiden and anonymous names are left out.
var nameUses = []r4.NameUse{r4.NameUseOfficial, r4.NameUseUsual, -1, r4.NameUseTemp, r4.NameUseNickname}

// holds says whether what has this period holds now.
func (r *reader) holds(p *r4.Period, root string) bool {
	over, ahead := r.when(p, root)
	return !over && !ahead
}

// when says whether a period is over, or is to come another day. A start later
// today has come: clocks differ.
func (r *reader) when(p *r4.Period, root string) (over, ahead bool) {
	if p == nil {
		return false, false
	}
	if p.End != nil {
		_, end, ok := span(*p.End)
		if over = ok && !end.After(r.now); !ok {
			r.miss(r4.IssueTypeValue, root+".end", "Skriv dagen som 2026-11-23.")
		}
	}
	if p.Start != nil {
		begin, _, ok := span(*p.Start)
		if ahead = ok && halsocoach.DayOf(begin) > halsocoach.DayOf(r.now); !ok {
			r.miss(r4.IssueTypeValue, root+".start", "Skriv dagen som 2026-11-23.")
		}
	}
	return over, ahead
}

// reach reads phone and e-mail: of those in use the one of the best rank, and
// else a mobile before others.
func (r *reader) reach(p *r4.Patient, root string) {
	r.found("phone", root+".telecom")
	best := map[string]int{}
	for i, t := range p.Telecom {
		at := root + ".telecom[" + strconv.Itoa(i) + "]"
		if t.Use != nil && *t.Use == r4.ContactPointUseOld || !r.holds(t.Period, at+".period") {
			continue
		}
		into, field := &r.asked.Phone, "phone"
		switch {
		case t.System == nil:
			r.miss(r4.IssueTypeRequired, at+".system", "Skriv phone eller email.")
			continue
		case *t.System == r4.ContactPointSystemEmail:
			into, field = &r.asked.Email, "email"
		case *t.System != r4.ContactPointSystemPhone && *t.System != r4.ContactPointSystemSms:
			r.miss(r4.IssueTypeNotSupported, at+".system", "Vi tar emot phone, sms och email.")
			continue
		}
		rank := rankOf(t)
		if value(t.Value) == "" {
			r.miss(r4.IssueTypeRequired, at+".value", "Uppgiften saknas.")
		} else if was, had := best[field]; !had || rank < was {
			*into, best[field] = *t.Value, rank
			r.found(field, at+".value")
		}
	}
}

// rankOf orders what somebody is reached by, the lowest first: by rank, and of
// the same rank a mobile.
func rankOf(t r4.ContactPoint) int {
	rank := math.MaxInt32
	if t.Rank != nil && *t.Rank > 0 {
		rank = min(rank, *t.Rank)
	}
	if t.Use != nil && *t.Use == r4.ContactPointUseMobile {
		return 2 * rank
	}
	return 2*rank + 1
}

// lives reads the kommun where the person lives, off the first address that holds.
func (r *reader) lives(p *r4.Patient, root string) {
	for i, a := range p.Address {
		at := root + ".address[" + strconv.Itoa(i) + "]"
		if a.District == nil || a.Use != nil && *a.Use == r4.AddressUseOld || !r.holds(a.Period, at+".period") {
			continue
		}
		var ok bool
		r.found("kommun", at+".district")
		if r.asked.Kommun, ok = kommunOf(*a.District); !ok {
			r.miss(r4.IssueTypeCodeInvalid, at+".district", "Kommunen finns inte i länet. Skriv dess kod, till exempel 0684, eller dess namn; för någon som bor utanför länet 06.")
		}
		return
	}
}

// speech reads the language and whether an interpreter is needed.
func (r *reader) speech(p *r4.Patient, root string) {
	for i, c := range p.Communication {
		at := root + ".communication[" + strconv.Itoa(i) + "].language"
		code, ok := coded(&c.Language, systemLanguage)
		if !ok {
			r.miss(r4.IssueTypeCodeInvalid, at, "Skriv språket med system urn:ietf:bcp:47 och en kod som fi eller ar.")
		} else if r.asked.Language == "" || c.Preferred != nil && *c.Preferred {
			r.asked.Language = code
			r.found("language", at)
		}
	}
	for i, e := range p.Extension {
		if e.Url != extensionInterpreter {
			continue
		}
		if e.ValueBoolean == nil {
			r.miss(r4.IssueTypeValue, root+".extension["+strconv.Itoa(i)+"]", "Skriv valueBoolean.")
			continue
		}
		r.asked.Interpreter = *e.ValueBoolean
	}
}
