package fhir

import (
	"slices"
	"strings"
	"time"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"halsocoach"
)

// The systems of identifiers and codes. Those that begin with urn:halsocoach are
// the service's own.
const (
	systemPersonnummer = "http://electronichealth.se/identifier/personnummer"
	systemSamordning   = "http://electronichealth.se/identifier/samordningsnummer"
	systemHSA          = "urn:oid:1.2.752.29.4.19"
	systemIDType       = "http://terminology.hl7.org/CodeSystem/v2-0203"
	systemSecurity     = "http://hl7.se/fhir/ig/base/CodeSystem/SecurityLabel"
	systemActCode      = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	systemConfidential = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	systemConsentScope = "http://terminology.hl7.org/CodeSystem/consentscope"
	systemTaskCode     = "http://hl7.org/fhir/CodeSystem/task-code"
	systemLanguage     = "urn:ietf:bcp:47"

	systemCentre = "urn:halsocoach:centre"
	systemTopic  = "urn:halsocoach:topic"
	systemScope  = "urn:halsocoach:consent-scope"
	systemStatus = "urn:halsocoach:business-status"
	systemReason = "urn:halsocoach:status-reason"

	extensionInterpreter = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
)

// value is a text that may be absent.
func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// coded is the code of a system in a concept.
func coded(c *r4.CodeableConcept, system string) (code string, ok bool) {
	if c == nil {
		return "", false
	}
	for _, x := range c.Coding {
		if value(x.System) == system && x.Code != nil {
			return *x.Code, true
		}
	}
	return "", false
}

func concept(system, code string) *r4.CodeableConcept {
	return &r4.CodeableConcept{Coding: []r4.Coding{{System: text(system), Code: text(code)}}}
}

// protectedBy reads security labels: whether they say protected identity, and whether
// all of them are known. A label that we do not know might.
func protectedBy(m *r4.Meta) (protected bool, unknown int) {
	if m == nil {
		return false, -1
	}
	for i, c := range m.Security {
		code := value(c.Code)
		switch {
		case value(c.System) == systemSecurity && (code == "sekretessmarkering" || code == "skyddadFolkbokforing"):
			protected = true
		case value(c.System) == systemConfidential && (code == "R" || code == "V"):
			protected = true
		case value(c.System) == systemConfidential && slices.Contains([]string{"U", "L", "M", "N"}, code):
		case value(c.System) == systemActCode && code == "DEMO": // goes with the label that says which
		default:
			return protected, i
		}
	}
	return protected, -1
}

// kommunOf is the code of a kommun that is written by code or name.
func kommunOf(written string) (string, bool) {
	written = strings.TrimSpace(written)
	if written == halsocoach.County {
		return written, true
	}
	for _, k := range halsocoach.Kommuner {
		if written == k.Code || strings.EqualFold(written, k.Name) || strings.EqualFold(written, k.Name+" kommun") {
			return k.Code, true
		}
	}
	return "", false
}

// dayOf is the day of a FHIR date or dateTime that has at least a day.
func dayOf(written string) (halsocoach.Day, bool) {
	if len(written) == len(time.DateOnly) {
		d := halsocoach.Day(written)
		return d, d.Valid()
	}
	t, err := time.Parse(time.RFC3339, written)
	if err != nil {
		return "", false
	}
	return halsocoach.DayOf(t), true
}

// birthDate is the year and the first possible day of a FHIR date, which may be a
// year, a month or a day.
func birthDate(written string) (year string, begins halsocoach.Day, ok bool) {
	if len(written) != 4 && len(written) != 7 && len(written) != 10 {
		return "", "", false
	}
	d := halsocoach.Day(written + "-01-01"[len(written)-4:])
	return written[:4], d, d.Valid()
}

// span is the time that a FHIR dateTime stands for: the whole of a year, a month
// or a day, or a moment.
func span(written string) (begins, ends time.Time, ok bool) {
	if t, err := time.Parse(time.RFC3339, written); err == nil {
		return t, t, true
	}
	_, first, ok := birthDate(written)
	if !ok {
		return begins, ends, false
	}
	begins = first.Start()
	switch len(written) {
	case 4:
		return begins, begins.AddDate(1, 0, 0), true
	case 7:
		return begins, begins.AddDate(0, 1, 0), true
	}
	return begins, begins.AddDate(0, 0, 1), true
}
