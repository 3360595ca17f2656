package fhir

import (
	"net/http"
	"strconv"
	"strings"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// readUpdate is the status that a PUT of the Task of this id asks for.
func readUpdate(body []byte, id string) (status string, err error) {
	if _, err := begin(body, "Task"); err != nil {
		return "", err
	}
	var t task
	if err := decode(body, &t, "Task"); err != nil {
		return "", err
	}
	sending, _, _ := strings.Cut(fromFHIR.Replace(id), ".")
	switch {
	case value(t.Id) != id:
		return "", fault(http.StatusBadRequest, r4.IssueTypeInvalid, "Task.id", "Id ska vara det som står i adressen.")
	case t.Intent != "order":
		return "", fault(http.StatusUnprocessableEntity, r4.IssueTypeInvariant, "Task.intent", "Bara status kan ändras. Läs Task, ändra status och skicka tillbaka resten som det var.")
	case t.Focus == nil || !strings.HasSuffix("/"+value(t.Focus.Reference), "/ServiceRequest/"+toFHIR.Replace(sending)):
		return "", fault(http.StatusUnprocessableEntity, r4.IssueTypeInvariant, "Task.focus", "Bara status kan ändras. Läs Task, ändra status och skicka tillbaka resten som det var.")
	}
	if _, unknown := protectedBy(t.Meta); unknown >= 0 {
		return "", fault(http.StatusUnprocessableEntity, r4.IssueTypeCodeInvalid, "Task.meta.security["+strconv.Itoa(unknown)+"]", unknownLabel)
	}
	return t.Status.Code(), nil
}

// readPatch is the status that a JSON Patch (RFC 6902) sets.
func readPatch(body []byte) (status string, err error) {
	if err := check(body, '['); err != nil {
		return "", err
	}
	var steps []struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	if err := decode(body, &steps, "patch"); err != nil {
		return "", err
	}
	if len(steps) != 1 || steps[0].Op != "replace" || steps[0].Path != "/status" {
		return "", fault(http.StatusUnprocessableEntity, r4.IssueTypeNotSupported, "patch", "Bara status kan ändras: en enda replace av /status.")
	}
	status, ok := steps[0].Value.(string)
	if !ok {
		return "", fault(http.StatusUnprocessableEntity, r4.IssueTypeValue, "patch[0].value", "Skriv cancelled eller entered-in-error.")
	}
	return status, nil
}
