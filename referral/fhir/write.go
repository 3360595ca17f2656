package fhir

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"halsocoach"
	"halsocoach/referral/record"
)

// An id of ours may hold "_", which FHIR's may not, and "." between what was sent
// and a track of it: each of them becomes two characters.
var (
	toFHIR   = strings.NewReplacer(".", "..", "_", ".-")
	fromFHIR = strings.NewReplacer("..", ".", ".-", "_")
)

// sendingOf is the ServiceRequest's own id: what was sent, whichever track of it.
func sendingOf(own track) string {
	sending, _, _ := strings.Cut(own.ID, ".")
	return sending
}

// version is the ETag's number: when what the sender sees last changed.
func version(own track) string { return strconv.FormatInt(own.Changed.UnixNano(), 10) }

func etag(own track) string { return `W/"` + version(own) + `"` }

// readETag is the time that a version stands for, zero for one that there never was.
func readETag(header string) time.Time {
	inner, ok := strings.CutPrefix(strings.TrimPrefix(strings.TrimSpace(header), "W/"), `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	n, err := strconv.ParseInt(inner, 10, 64)
	if !ok || !closed || err != nil || n <= 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// instant writes a time as FHIR does, in our own zone.
func instant(t time.Time) *string {
	return text(t.In(halsocoach.Stockholm()).Format("2006-01-02T15:04:05.000Z07:00"))
}

func meta(own track) *r4.Meta {
	return &r4.Meta{VersionId: text(version(own)), LastUpdated: instant(own.updated)}
}

// protectedLabel is what a resource about somebody with protected identity bears.
var protectedLabel = []r4.Coding{
	{System: text(systemActCode), Code: text("DEMO")},
	{System: text(systemSecurity), Code: text("sekretessmarkering")},
}

// writeRequest is the ServiceRequest as its sender sees it, by all its tracks,
// the last of which is where it stands.
func writeRequest(tracks []track) serviceRequest {
	own := tracks[len(tracks)-1]
	s := serviceRequest{Type: "ServiceRequest"}
	s.Id = text(toFHIR.Replace(sendingOf(own)))
	s.Meta = meta(own)
	s.Contained = []json.RawMessage{writePatient(own), writeConsent(own)}
	if own.Protected {
		s.Meta.Security = protectedLabel
	}
	if system, placer, ok := strings.Cut(own.Placer, "|"); ok {
		s.Identifier = []r4.Identifier{{Type: concept(systemIDType, "PLAC"), System: text(system), Value: text(placer)}}
	}
	s.Status, s.Intent = requestStatus(own.State), r4.RequestIntentOrder
	s.Subject = r4.Reference{Reference: text("#patient")}
	s.AuthoredOn = instant(tracks[0].Received)
	s.Performer = []r4.Reference{centreOf(own)}
	for _, t := range own.Topics {
		s.ReasonCode = append(s.ReasonCode, *concept(systemTopic, string(t)))
	}
	s.SupportingInfo = []r4.Reference{{Reference: text("#consent")}}
	return s
}

func requestStatus(s record.State) r4.RequestStatus {
	switch s {
	case record.Declined, record.Withdrawn:
		return r4.RequestStatusRevoked
	case record.Ended:
		return r4.RequestStatusCompleted
	case record.Erred:
		return r4.RequestStatusEnteredInError
	}
	return r4.RequestStatusActive
}

// writePatient is who it is about, by the name that the sender wrote and no more.
func writePatient(own track) json.RawMessage {
	p := r4.Patient{Id: text("patient")}
	if own.Name != "" {
		p.Name = []r4.HumanName{{Text: text(own.Name)}}
	}
	return marshal(p)
}

// writeConsent is what the person has said yes to.
func writeConsent(own track) json.RawMessage {
	c := r4.Consent{Id: text("consent"), Status: r4.ConsentStateActive, Scope: *concept(systemConsentScope, "patient-privacy"),
		Category: []r4.CodeableConcept{*concept(systemScope, "recommendation")}, Patient: &r4.Reference{Reference: text("#patient")},
		DateTime: text(string(own.Consent.On))}
	if own.Consent.Back != nil {
		c.Status = r4.ConsentStateInactive
	}
	permit := r4.ConsentProvisionTypePermit
	c.Provision = &r4.ConsentProvision{Type: &permit, Code: []r4.CodeableConcept{*concept(systemScope, string(own.Consent.Scope))}}
	return marshal(c)
}

// centreOf refers to the Hälsocenter.
func centreOf(own track) r4.Reference {
	return r4.Reference{Type: text("Organization"), Identifier: &r4.Identifier{System: text(systemCentre), Value: text(own.Centre)}, Display: text(own.CentreName)}
}

// writeTask is how one track goes, as far as the person lets the sender see.
func writeTask(own track) task {
	t := task{Type: "Task"}
	t.Id, t.Meta = text(toFHIR.Replace(own.ID)), meta(own)
	if own.Protected {
		t.Meta.Security = protectedLabel
	}
	t.Status = taskStatus(own.State)
	if code := own.State.BusinessStatus(own.First); code != "" {
		t.BusinessStatus = concept(systemStatus, code)
		t.BusinessStatus.Coding[0].Display = text(string(own.State))
	}
	switch {
	case own.Reason != "" && own.State == record.Declined:
		t.StatusReason = concept(systemReason, string(own.Reason))
	case own.Ended != "" && own.State == record.Ended:
		t.StatusReason = concept(systemReason, own.Ended)
	case own.State == record.Forwarded:
		t.StatusReason = concept(systemReason, "forwarded")
	}
	t.Intent, t.Code = "order", concept(systemTaskCode, "fulfill")
	t.Focus = &r4.Reference{Reference: text("ServiceRequest/" + toFHIR.Replace(sendingOf(own)))}
	owner := centreOf(own)
	t.Owner, t.AuthoredOn, t.LastModified = &owner, instant(own.Received), instant(own.updated)
	if own.State.Open() {
		t.Restriction = &r4.TaskRestriction{Period: &r4.Period{End: instant(own.Due)}} // first contact is promised by then
	}
	return t
}

func taskStatus(s record.State) (out r4.TaskStatus) {
	// The models read what they write; an unknown code can not come from state.go.
	_ = out.UnmarshalJSON([]byte(`"` + s.TaskStatus() + `"`))
	return out
}

// marshal writes a resource of ours, which always can be.
func marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("fhir: a resource that is not JSON: " + err.Error())
	}
	return b
}
