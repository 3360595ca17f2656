package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// deepest is how many objects and arrays may lie within each other. What the
// door takes has about ten.
const deepest = 32

// check reads the whole text once: one JSON value of a kind and nothing after it, no
// name twice in an object, no broken UTF-8, not too deep, and no element of those that
// a reader of FHIR must refuse when it does not know them.
func check(body []byte, kind jsontext.Kind) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(body))
	for first := true; ; first = false {
		if !first && d.StackDepth() == 0 {
			if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
				return fault(http.StatusBadRequest, r4.IssueTypeStructure, "", "Det finns mer text efter JSON-objektet.")
			}
			return nil
		}
		t, err := d.ReadToken()
		if err != nil {
			return broken(err)
		}
		if first && t.Kind() != kind {
			return fault(http.StatusBadRequest, r4.IssueTypeStructure, "", "Frågan ska vara ett JSON-objekt, eller för en PATCH en lista.")
		}
		if d.StackDepth() > deepest {
			return fault(http.StatusBadRequest, r4.IssueTypeTooCostly, "", "Frågan har för många nivåer i varandra.")
		}
		if t.Kind() == '"' {
			if err := mustKnow(d, t); err != nil {
				return err
			}
		}
	}
}

// mustKnow refuses elements that change what others mean.
func mustKnow(d *jsontext.Decoder, t jsontext.Token) error {
	kind, n := d.StackIndex(d.StackDepth())
	if kind != '{' || n%2 == 0 {
		return nil // a value, not a name
	}
	switch name := t.String(); name {
	case "modifierExtension", "implicitRules":
		return fault(http.StatusUnprocessableEntity, r4.IssueTypeExtension, path("", string(d.StackPointer())),
			"Vi känner inte till det här, och det kan ändra vad resten betyder. Skicka utan "+name+".")
	}
	return nil
}

// broken is a fault of the text itself.
func broken(err error) error {
	where, said := "", "Frågan är inte giltig JSON."
	var s *jsontext.SyntacticError
	if errors.As(err, &s) {
		where = path("", string(s.JSONPointer))
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		said = "Samma namn står två gånger i ett objekt."
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		said = "Frågan tar slut mitt i, eller är tom."
	}
	return fault(http.StatusBadRequest, r4.IssueTypeStructure, where, said)
}

// decode reads a resource that check has seen; root is where it stands.
func decode(body []byte, v any, root string) error {
	err := jsonv2.Unmarshal(body, v, jsontext.AllowDuplicateNames(true)) // check has seen to that
	if err == nil {
		return nil
	}
	where, code, said := root, r4.IssueTypeStructure, "Uppgiften har fel form."
	var s *jsonv2.SemanticError
	if errors.As(err, &s) {
		where = path(root, string(s.JSONPointer))
		if s.Err != nil && strings.HasPrefix(s.Err.Error(), "unknown ") {
			code, said = r4.IssueTypeCodeInvalid, "Koden finns inte i FHIR R4."
		}
	}
	return fault(http.StatusBadRequest, code, where, said)
}

// path is the FHIRPath of a JSON pointer below root.
func path(root, pointer string) string {
	var b strings.Builder
	b.WriteString(root)
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if part == "" {
			continue
		}
		if _, err := strconv.Atoi(part); err == nil && b.Len() > 0 {
			b.WriteString("[" + part + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(plain(part))
	}
	return b.String()
}

// plain is a name as it may stand in a path: what a name of FHIR is made of, and
// not much of it, since anything may have been sent.
func plain(name string) string {
	for i, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_') || i > 60 {
			return "?"
		}
	}
	return name
}

// head is what every resource begins with.
type head struct {
	Type      string            `json:"resourceType"`
	ID        *string           `json:"id"`
	Meta      *r4.Meta          `json:"meta"`
	Contained []json.RawMessage `json:"contained"`
}

// headOf reads a resource's type and id.
func headOf(body []byte, root string) (head, error) {
	var h head
	if len(body) == 0 || body[0] != '{' {
		return h, fault(http.StatusBadRequest, r4.IssueTypeStructure, root, "Här ska det vara en resurs.")
	}
	if err := decode(body, &h, root); err != nil {
		return h, err
	}
	if h.Type == "" {
		return h, fault(http.StatusBadRequest, r4.IssueTypeRequired, at(root, "resourceType"), "Uppgiften saknas.")
	}
	return h, nil
}

// begin checks a text that is to be one resource of a type, and reads its head.
func begin(body []byte, want string) (head, error) {
	if err := check(body, '{'); err != nil {
		return head{}, err
	}
	h, err := headOf(body, "")
	if err == nil && h.Type != want {
		err = fault(http.StatusUnprocessableEntity, r4.IssueTypeInvalid, "resourceType", "Här tar vi emot en "+want+".")
	}
	return h, err
}

// at is the path of an element below root.
func at(root, element string) string {
	if root == "" {
		return element
	}
	return root + "." + element
}

// serviceRequest is the resource with what it contains, which the models leave
// out.
type serviceRequest struct {
	r4.OtherServiceRequest
	Type      string            `json:"resourceType"`
	Contained []json.RawMessage `json:"contained,omitempty"`
}

// task is the resource as it is read and written.
type task struct {
	r4.OtherTask
	Type string `json:"resourceType"`
}
