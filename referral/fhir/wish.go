package fhir

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"halsocoach"
	"halsocoach/referral"
)

// reader turns an order into a wish, and gathers every fault on the way.
type reader struct {
	o      *order
	now    time.Time
	wish   referral.Wish
	where  map[string]string // of each field of the wish, for faults that come later
	placer struct{ system, value string }
	issues []Issue
}

func (r *reader) miss(code r4.IssueType, where, said string) {
	r.issues = append(r.issues, Issue{code, where, said})
}

// found says where a field of the wish stood.
func (r *reader) found(field, where string) { r.where[field] = where }

// request is what an order asks for, once it is judged by the rules of FHIR.
type request struct {
	wish        referral.Wish
	where       map[string]string
	key         string // makes a resend the same wish
	conditional bool
}

// judge reads the order, or gives every fault that was found.
func (o *order) judge(now time.Time) (request, error) {
	r := &reader{o: o, now: now, where: map[string]string{}}
	for _, p := range []struct {
		is   bool
		kind string
	}{{o.patient.is, "Patient"}, {o.request.is, "ServiceRequest"}, {o.consent.is, "Consent"}} {
		if !p.is {
			where := "Bundle.entry"
			if !o.inBundle {
				where = "ServiceRequest.contained"
			}
			said := p.kind + " saknas."
			if p.kind == "Consent" {
				said = "Samtycket saknas. Fråga personen först, och skicka svaret som en Consent."
			}
			r.miss(r4.IssueTypeRequired, where, said)
		}
	}
	if len(r.issues) == 0 {
		r.person()
		r.order()
		r.yes()
		r.work()
	}
	if len(r.issues) > 0 {
		return request{}, &Fault{http.StatusUnprocessableEntity, r.issues}
	}
	r.wish.Placer = r.placer.system + "|" + r.placer.value
	return request{r.wish, r.where, "fhir/" + r.wish.Placer, o.condition != ""}, nil
}

var twelve = regexp.MustCompile(`^[0-9]{12}$`)

// person reads the Patient.
func (r *reader) person() {
	p, root := &r.o.patient.v, r.o.patient.root
	r.number(p, root)
	r.found("name", root+".name")
	for i := len(p.Name) - 1; i >= 0; i-- {
		n := p.Name[i]
		if whole := strings.TrimSpace(strings.Join(append(append([]string{}, n.Given...), value(n.Family)), " ")); whole != "" {
			r.wish.Name = whole
			r.found("name", root+".name["+strconv.Itoa(i)+"]")
		} else if value(n.Text) != "" {
			r.wish.Name = *n.Text
			r.found("name", root+".name["+strconv.Itoa(i)+"].text")
		}
	}
	r.reach(p, root)
	if p.Active != nil && !*p.Active {
		r.miss(r4.IssueTypeBusinessRule, root+".active", "Personuppgiften är inte i bruk.")
	}
	if p.DeceasedBoolean != nil && *p.DeceasedBoolean || p.DeceasedDateTime != nil {
		r.miss(r4.IssueTypeBusinessRule, root+".deceased", "Personen är avliden.")
	}
	if len(p.Link) > 0 {
		r.miss(r4.IssueTypeNotSupported, root+".link", "Skicka den Patient som gäller, utan länkar till andra.")
	}
	if len(p.Address) > 0 && p.Address[0].District != nil {
		var ok bool
		r.found("kommun", root+".address[0].district")
		if r.wish.Kommun, ok = kommunOf(*p.Address[0].District); !ok {
			r.miss(r4.IssueTypeCodeInvalid, root+".address[0].district", "Kommunen finns inte i länet. Skriv dess kod, till exempel 0684, eller dess namn; för någon som bor utanför länet 06.")
		}
	}
	r.speech(p, root)
	r.shield(p.Meta, root)
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
				r.miss(r4.IssueTypeValue, at+".value", referral.NumberWords(err))
			} else if number.Coordination() != (system == systemSamordning) {
				r.miss(r4.IssueTypeValue, at+".system", "Numret är av det andra slaget: ett samordningsnummer har dagen plus 60.")
			}
			r.wish.Personnummer = *id.Value
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

// reach reads phone and e-mail, the first of each.
func (r *reader) reach(p *r4.Patient, root string) {
	r.found("phone", root+".telecom")
	for i, t := range p.Telecom {
		at := root + ".telecom[" + strconv.Itoa(i) + "]"
		into, field := &r.wish.Phone, "phone"
		switch {
		case t.System == nil:
			r.miss(r4.IssueTypeRequired, at+".system", "Skriv phone eller email.")
			continue
		case *t.System == r4.ContactPointSystemEmail:
			into, field = &r.wish.Email, "email"
		case *t.System != r4.ContactPointSystemPhone && *t.System != r4.ContactPointSystemSms:
			r.miss(r4.IssueTypeNotSupported, at+".system", "Vi tar emot phone, sms och email.")
			continue
		}
		if value(t.Value) == "" {
			r.miss(r4.IssueTypeRequired, at+".value", "Uppgiften saknas.")
		} else if *into == "" {
			*into = *t.Value
			r.found(field, at+".value")
		}
	}
}

// speech reads the language and whether an interpreter is needed.
func (r *reader) speech(p *r4.Patient, root string) {
	for i, c := range p.Communication {
		at := root + ".communication[" + strconv.Itoa(i) + "].language"
		code, ok := coded(&c.Language, systemLanguage)
		if !ok {
			r.miss(r4.IssueTypeCodeInvalid, at, "Skriv språket med system urn:ietf:bcp:47 och en kod som fi eller ar.")
		} else if r.wish.Language == "" || c.Preferred != nil && *c.Preferred {
			r.wish.Language = code
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
		r.wish.Interpreter = *e.ValueBoolean
	}
}

// shield reads protected identity off a resource's labels.
func (r *reader) shield(m *r4.Meta, root string) {
	protected, unknown := shields(m)
	r.wish.Protected = r.wish.Protected || protected
	if unknown >= 0 {
		r.miss(r4.IssueTypeCodeInvalid, root+".meta.security["+strconv.Itoa(unknown)+"]",
			"Märkningen är okänd. Skyddade personuppgifter är sekretessmarkering eller skyddadFolkbokforing i "+systemSecurity+".")
	}
}

var hsaID = regexp.MustCompile(`^SE[0-9]{10}-[A-Z0-9]{1,20}$`)

// order reads the ServiceRequest.
func (r *reader) order() {
	s, root := &r.o.request.v, "ServiceRequest"
	if r.o.inBundle {
		root = r.o.request.root
	}
	if s.Status != r4.RequestStatusActive {
		r.miss(r4.IssueTypeBusinessRule, root+".status", "En ny rekommendation har status active.")
	}
	if s.Intent != r4.RequestIntentOrder {
		r.miss(r4.IssueTypeBusinessRule, root+".intent", "En ny rekommendation har intent order.")
	}
	if s.DoNotPerform != nil && *s.DoNotPerform {
		r.miss(r4.IssueTypeBusinessRule, root+".doNotPerform", "Vi tar emot det som ska göras.")
	}
	if s.Priority != nil && *s.Priority != r4.RequestPriorityRoutine {
		r.miss(r4.IssueTypeNotSupported, root+".priority", "Ett Hälsocenter tar inte emot det som är bråttom. Skicka utan priority, eller med routine.")
	}
	if len(s.ReasonReference) > 0 {
		r.miss(r4.IssueTypeBusinessRule, root+".reasonReference", "Skicka inga diagnoser. Området står i reasonCode.")
	}
	if !r.o.patient.refers(&s.Subject) {
		r.miss(r4.IssueTypeInvalid, root+".subject.reference", "Hänvisningen ska leda till den Patient som följer med.")
	}
	if s.AuthoredOn != nil {
		if day, ok := dayOf(*s.AuthoredOn); !ok || day > halsocoach.DayOf(r.now).Plus(1) {
			r.miss(r4.IssueTypeValue, root+".authoredOn", "Skriv tiden som 2026-11-23T10:00:00+01:00. Den kan inte ligga framåt.")
		}
	}
	r.identify(s, root)
	r.topics(s, root)
	r.centre(s, root)
	r.notes(s, root)
	r.shield(s.Meta, root)
	if id := s.Requester; id != nil && id.Identifier != nil && (value(id.Identifier.System) != systemHSA || !hsaID.MatchString(value(id.Identifier.Value))) {
		r.miss(r4.IssueTypeValue, root+".requester.identifier", "Den som rekommenderar anges med HSA-id: system "+systemHSA+" och värde SE2321000016-1234.")
	}
	r.found("consent", root+".supportingInfo")
	switch {
	case len(s.SupportingInfo) == 0:
		r.miss(r4.IssueTypeRequired, root+".supportingInfo", "Hänvisa till samtycket: utan ett ja kan rekommendationen inte skickas.")
	case len(s.SupportingInfo) > 1:
		r.miss(r4.IssueTypeBusinessRule, root+".supportingInfo", "Skicka bara samtycket, inga andra uppgifter om personen.")
	case !r.o.consent.refers(&s.SupportingInfo[0]):
		r.miss(r4.IssueTypeInvalid, root+".supportingInfo[0].reference", "Hänvisningen ska leda till den Consent som följer med.")
	}
}

// identify reads the sender's own identifier, of type PLAC, and what a resend is
// known by.
func (r *reader) identify(s *serviceRequest, root string) {
	n := 0
	for i, id := range s.Identifier {
		if code, _ := coded(id.Type, systemIDType); code != "PLAC" {
			continue
		}
		at := root + ".identifier[" + strconv.Itoa(i) + "]"
		r.placer.system, r.placer.value = value(id.System), value(id.Value)
		r.found("placer", at+".value")
		if n++; n > 1 {
			r.miss(r4.IssueTypeInvariant, at, "Det ska finnas en beteckning av typen PLAC.")
		}
		if u, err := url.Parse(r.placer.system); err != nil || u.Scheme == "" || strings.Contains(r.placer.system, "|") {
			r.miss(r4.IssueTypeValue, at+".system", "Skriv ert eget system, till exempel en urn:oid: eller en https-adress.")
		}
		if r.placer.value == "" || strings.TrimSpace(r.placer.value) != r.placer.value {
			r.miss(r4.IssueTypeValue, at+".value", "Skriv er egen beteckning på rekommendationen.")
		}
	}
	if n == 0 {
		r.miss(r4.IssueTypeRequired, root+".identifier", "Er egen beteckning saknas: en identifier med type PLAC ur "+systemIDType+". Av den ser vi om något skickas en gång till.")
		return
	}
	if r.o.condition == "" {
		return
	}
	q, err := url.ParseQuery(r.o.condition)
	if err != nil || len(q) != 1 || q.Get("identifier") != r.placer.system+"|"+r.placer.value {
		r.miss(r4.IssueTypeNotSupported, r.o.conditionAt, "Villkoret ska vara identifier=system|värde, med samma system och värde som beteckningen av typen PLAC.")
	}
}

// topics reads what the person wants to work with.
func (r *reader) topics(s *serviceRequest, root string) {
	r.found("topics", root+".reasonCode")
	if len(s.ReasonCode) > 2*len(halsocoach.Topics) {
		r.miss(r4.IssueTypeTooCostly, root+".reasonCode", "Det är fler områden än det finns.")
		return
	}
	for i := range s.ReasonCode {
		code, ok := coded(&s.ReasonCode[i], systemTopic)
		if !ok || !halsocoach.Topic(code).Known() {
			r.miss(r4.IssueTypeCodeInvalid, root+".reasonCode["+strconv.Itoa(i)+"]",
				"Området finns inte. Välj bland dem i "+systemTopic+": "+topicList()+".")
			continue
		}
		r.wish.Topics = append(r.wish.Topics, halsocoach.Topic(code))
	}
}

func topicList() string {
	var all []string
	for _, t := range halsocoach.Topics {
		all = append(all, string(t))
	}
	return strings.Join(all, ", ")
}

// centre reads which Hälsocenter it is for.
func (r *reader) centre(s *serviceRequest, root string) {
	r.found("centre", root+".performer")
	if len(s.Performer) != 1 {
		r.miss(r4.IssueTypeRequired, root+".performer", "Skriv ett Hälsocenter: en identifier med system "+systemCentre+" och dess kod, till exempel 0684.")
		return
	}
	p := s.Performer[0]
	r.found("centre", root+".performer[0]")
	code, ref := strings.CutPrefix(value(p.Reference), "Organization/")
	switch {
	case p.Identifier != nil && value(p.Identifier.System) == systemCentre:
		r.wish.Centre = value(p.Identifier.Value)
	case ref:
		r.wish.Centre = code
	}
	if r.wish.Centre == "" || p.Type != nil && *p.Type != "Organization" {
		r.miss(r4.IssueTypeValue, root+".performer[0]", "Skriv ett Hälsocenter: en identifier med system "+systemCentre+" och dess kod, till exempel 0684.")
	}
}

// notes reads the person's own words, which name the Patient as their author, and
// the sender's.
func (r *reader) notes(s *serviceRequest, root string) {
	for i, n := range s.Note {
		at := root + ".note[" + strconv.Itoa(i) + "]"
		into, field := &r.wish.Note, "note"
		if n.AuthorReference != nil {
			if !r.o.patient.refers(n.AuthorReference) {
				r.miss(r4.IssueTypeInvalid, at+".authorReference", "Hänvisningen ska leda till den Patient som följer med. Den som rekommenderar skrivs i authorString.")
			}
			into, field = &r.wish.Wants, "wants"
		}
		r.found(field, at+".text")
		switch {
		case n.Text == "":
			r.miss(r4.IssueTypeRequired, at+".text", "Uppgiften saknas.")
		case *into == "":
			*into = n.Text
		default:
			*into += "\n\n" + n.Text
		}
	}
	if s.PatientInstruction != nil {
		r.miss(r4.IssueTypeNotSupported, root+".patientInstruction", "Skriv i note i stället.")
	}
}
