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
	"halsocoach/referral/record"
)

// reader turns an order into what is asked for, and gathers every fault on the way.
type reader struct {
	o      *order
	now    time.Time
	asked  record.NewReferral
	where  map[string]string // of each field, for faults that come later
	placer struct{ system, value string }
	issues []Issue
}

func (r *reader) miss(code r4.IssueType, where, said string) {
	r.issues = append(r.issues, Issue{code, where, said})
}

func (r *reader) missIf(wrong bool, code r4.IssueType, where, said string) {
	if wrong {
		r.miss(code, where, said)
	}
}

// found says where a field stood.
func (r *reader) found(field, where string) { r.where[field] = where }

// request is what an order asks for, once it is judged by the rules of FHIR.
type request struct {
	asked       record.NewReferral
	where       map[string]string
	key         string // makes a resend the same request
	conditional bool
}

// validate reads the order, or gives every fault that was found.
func (o *order) validate(now time.Time) (request, error) {
	r := &reader{o: o, now: now, where: map[string]string{}}
	where := "Bundle.entry"
	if !o.inBundle {
		where = "ServiceRequest.contained"
	}
	r.missIf(!o.patient.is, r4.IssueTypeRequired, where, "Patient saknas.")
	r.missIf(!o.request.is, r4.IssueTypeRequired, where, "ServiceRequest saknas.")
	r.missIf(!o.consent.is, r4.IssueTypeRequired, where, "Samtycket saknas. Fråga personen först, och skicka svaret som en Consent.")
	if len(r.issues) == 0 {
		r.person()
		r.order()
		r.yes()
		r.work()
		for _, l := range r.o.labels {
			r.label(l.meta, l.root)
		}
	}
	if len(r.issues) > 0 {
		return request{}, &Fault{http.StatusUnprocessableEntity, r.issues}
	}
	r.asked.Placer = r.placer.system + "|" + r.placer.value
	return request{r.asked, r.where, "fhir/" + r.asked.Placer, o.condition != ""}, nil
}

// label reads protected identity off the labels of any resource that was sent.
func (r *reader) label(m *r4.Meta, root string) {
	protected, unknown := protectedBy(m)
	r.asked.Protected = r.asked.Protected || protected
	r.missIf(unknown >= 0, r4.IssueTypeCodeInvalid, root+".meta.security["+strconv.Itoa(unknown)+"]", unknownLabel)
}

const unknownLabel = "Märkningen är okänd. Skyddade personuppgifter är sekretessmarkering eller skyddadFolkbokforing i " + systemSecurity + "."

var hsaID = regexp.MustCompile(`^SE[0-9]{10}-[A-Z0-9]{1,20}$`)

// order reads the ServiceRequest.
func (r *reader) order() {
	s, root := &r.o.request.v, "ServiceRequest"
	if r.o.inBundle {
		root = r.o.request.root
	}
	r.missIf(s.Status != r4.RequestStatusActive, r4.IssueTypeBusinessRule, root+".status", "En ny rekommendation har status active.")
	r.missIf(s.Intent != r4.RequestIntentOrder, r4.IssueTypeBusinessRule, root+".intent", "En ny rekommendation har intent order.")
	r.missIf(s.DoNotPerform != nil && *s.DoNotPerform, r4.IssueTypeBusinessRule, root+".doNotPerform", "Vi tar emot det som ska göras.")
	r.missIf(s.Priority != nil && *s.Priority != r4.RequestPriorityRoutine,
		r4.IssueTypeNotSupported, root+".priority", "Ett Hälsocenter tar inte emot det som är bråttom. Skicka utan priority, eller med routine.")
	r.missIf(len(s.ReasonReference) > 0, r4.IssueTypeBusinessRule, root+".reasonReference", "Skicka inga diagnoser. Området står i reasonCode.")
	r.missIf(!r.o.patient.refers(&s.Subject),
		r4.IssueTypeInvalid, root+".subject.reference", "Hänvisningen ska leda till den Patient som följer med.")
	if s.AuthoredOn != nil {
		if day, ok := dayOf(*s.AuthoredOn); !ok || day > halsocoach.DayOf(r.now).Plus(1) {
			r.miss(r4.IssueTypeValue, root+".authoredOn", "Skriv tiden som 2026-11-23T10:00:00+01:00. Den kan inte ligga framåt.")
		}
	}
	r.identify(s, root)
	r.topics(s, root)
	r.centre(s, root)
	r.notes(s, root)
	if id := s.Requester; id != nil && id.Identifier != nil {
		r.missIf(value(id.Identifier.System) != systemHSA || !hsaID.MatchString(value(id.Identifier.Value)),
			r4.IssueTypeValue, root+".requester.identifier", "Den som rekommenderar anges med HSA-id: system "+systemHSA+" och värde SE2321000016-1234.")
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
		r.found("placer", at)
		if n++; n > 1 {
			r.miss(r4.IssueTypeInvariant, at, "Det ska finnas en beteckning av typen PLAC.")
		}
		if u, err := url.Parse(r.placer.system); err != nil || u.Scheme == "" || strings.Contains(r.placer.system, "|") {
			r.miss(r4.IssueTypeValue, at+".system", "Skriv ert eget system, till exempel en urn:oid: eller en https-adress.")
		}
		r.missIf(r.placer.value == "" || strings.TrimSpace(r.placer.value) != r.placer.value,
			r4.IssueTypeValue, at+".value", "Skriv er egen beteckning på rekommendationen.")
	}
	if n == 0 {
		r.miss(r4.IssueTypeRequired, root+".identifier", "Er egen beteckning saknas: en identifier med type PLAC ur "+systemIDType+". Av den ser vi om något skickas en gång till.")
		return
	}
	if r.o.condition == "" {
		return
	}
	q, err := url.ParseQuery(r.o.condition)
	r.missIf(err != nil || len(q) != 1 || q.Get("identifier") != r.placer.system+"|"+r.placer.value,
		r4.IssueTypeNotSupported, r.o.conditionAt, "Villkoret ska vara identifier=system|värde, med samma system och värde som beteckningen av typen PLAC.")
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
		r.asked.Topics = append(r.asked.Topics, halsocoach.Topic(code))
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
		r.asked.Centre = value(p.Identifier.Value)
	case ref:
		r.asked.Centre = code
	}
	r.missIf(r.asked.Centre == "" || p.Type != nil && *p.Type != "Organization",
		r4.IssueTypeValue, root+".performer[0]", "Skriv ett Hälsocenter: en identifier med system "+systemCentre+" och dess kod, till exempel 0684.")
}

// notes reads the person's own words, which name the Patient as their author, and
// the sender's.
func (r *reader) notes(s *serviceRequest, root string) {
	for i, n := range s.Note {
		at := root + ".note[" + strconv.Itoa(i) + "]"
		into, field := &r.asked.Note, "note"
		if n.AuthorReference != nil {
			r.missIf(!r.o.patient.refers(n.AuthorReference),
				r4.IssueTypeInvalid, at+".authorReference", "Hänvisningen ska leda till den Patient som följer med. Den som rekommenderar skrivs i authorString.")
			into, field = &r.asked.Wants, "wants"
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
	r.missIf(s.PatientInstruction != nil, r4.IssueTypeNotSupported, root+".patientInstruction", "Skriv i note i stället.")
}
