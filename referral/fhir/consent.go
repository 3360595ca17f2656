package fhir

import (
	"strconv"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"halsocoach/referral/record"
)

// yes reads the Consent.
func (r *reader) yes() {
	c, root := &r.o.consent.v, r.o.consent.root
	r.found("consentOn", root+".dateTime")
	r.found("consentScope", root+".provision.code")
	switch c.Status {
	case r4.ConsentStateActive:
		r.asked.Consent = true
	case r4.ConsentStateInactive, r4.ConsentStateEnteredInError:
		r.miss(r4.IssueTypeBusinessRule, root+".status", "Samtycket är återkallat. Utan ett ja kan rekommendationen inte skickas.")
	default:
		r.miss(r4.IssueTypeBusinessRule, root+".status", "Personen har inte sagt ja än. Samtycket ska ha status active.")
	}
	if code, ok := coded(&c.Scope, systemConsentScope); !ok || code != "patient-privacy" {
		r.miss(r4.IssueTypeCodeInvalid, root+".scope", "Samtycket ska ha scope patient-privacy.")
	}
	r.missIf(len(c.Category) == 0, r4.IssueTypeRequired, root+".category", "Uppgiften saknas.")
	r.missIf(!r.o.patient.refers(c.Patient), r4.IssueTypeInvalid, root+".patient.reference", "Hänvisningen ska leda till den Patient som följer med.")
	if c.DateTime == nil {
		r.miss(r4.IssueTypeRequired, root+".dateTime", "Skriv vilken dag personen sa ja.")
	} else if day, ok := dayOf(*c.DateTime); !ok {
		r.miss(r4.IssueTypeValue, root+".dateTime", "Skriv dagen som 2026-11-23.")
	} else {
		r.asked.ConsentOn = day
	}
	if c.Provision != nil {
		r.provision(c.Provision, root+".provision")
	}
}

// provision reads what the person has let the sender see.
func (r *reader) provision(p *r4.ConsentProvision, root string) {
	r.missIf(p.Type != nil && *p.Type == r4.ConsentProvisionTypeDeny, r4.IssueTypeBusinessRule, root+".type", "Personen har sagt nej.")
	over, ahead := r.when(p.Period, root+".period")
	r.missIf(over, r4.IssueTypeBusinessRule, root+".period.end", "Samtycket gäller inte längre.")
	r.missIf(ahead, r4.IssueTypeBusinessRule, root+".period.start", "Samtycket gäller inte än.")
	r.missIf(len(p.Provision) > 0,
		r4.IssueTypeNotSupported, root+".provision", "Villkor och undantag i samtycket förstår vi inte. Skicka det utan dem.")
	for i := range p.Code {
		code, ok := coded(&p.Code[i], systemScope)
		if !ok || !record.Scope(code).Known() {
			r.miss(r4.IssueTypeCodeInvalid, root+".code["+strconv.Itoa(i)+"]", "Koden är state eller talks i "+systemScope+".")
			continue
		}
		r.asked.Scope = record.Scope(code)
	}
}

// work reads the Task, if one was sent: it can only ask for what is asked anyway.
func (r *reader) work() {
	if !r.o.task.is {
		return
	}
	t, root := &r.o.task.v, r.o.task.root
	r.missIf(t.Status != r4.TaskStatusRequested, r4.IssueTypeBusinessRule, root+".status", "En ny Task har status requested.")
	r.missIf(t.Intent != "order", r4.IssueTypeValue, root+".intent", "En ny Task har intent order.")
	if code, ok := coded(t.Code, systemTaskCode); !ok || code != "fulfill" {
		r.miss(r4.IssueTypeCodeInvalid, root+".code", "Koden är fulfill i "+systemTaskCode+".")
	}
	r.missIf(!r.o.request.refers(t.Focus),
		r4.IssueTypeInvalid, root+".focus.reference", "Hänvisningen ska leda till den ServiceRequest som följer med.")
	r.missIf(t.For != nil && !r.o.patient.refers(t.For),
		r4.IssueTypeInvalid, root+".for.reference", "Hänvisningen ska leda till den Patient som följer med.")
}
