package fhir

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// order is what was sent, before it is judged: one of each resource, and where
// each stood.
type order struct {
	patient  part[r4.Patient]
	request  part[serviceRequest]
	consent  part[r4.Consent]
	task     part[task]
	inBundle bool
	kinds    []string // of the Bundle's entries, in order
	labels   []label  // of all that was sent
	// condition is the If-None-Exist, "" when there is none, and conditionAt
	// where it stood.
	condition, conditionAt string
}

// label is what is said about a resource, and where it stands.
type label struct {
	meta *r4.Meta
	root string
}

// label gathers the labels of a resource and of what it contains.
func (o *order) label(h head, root string) error {
	if h.Meta != nil {
		o.labels = append(o.labels, label{h.Meta, root})
	}
	for i, inner := range h.Contained {
		root := root + ".contained[" + strconv.Itoa(i) + "]"
		h, err := headOf(inner, root)
		if err == nil {
			err = o.label(h, root)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// begin checks the text of one resource of a type, and gathers its labels.
func (o *order) begin(body []byte, want string) error {
	h, err := begin(body, want)
	if err != nil {
		return err
	}
	return o.label(h, want)
}

// part is a resource, where it stands and how others refer to it.
type part[T any] struct {
	is   bool
	v    T
	root string
	refs []string
}

// refers says whether a reference is to the part.
func (p part[T]) refers(r *r4.Reference) bool {
	return p.is && r != nil && r.Reference != nil && slices.Contains(p.refs, *r.Reference)
}

// take reads a resource into the part; two of a kind are a fault.
func take[T any](p *part[T], body []byte, root string, refs ...string) error {
	if p.is {
		return fault(http.StatusUnprocessableEntity, r4.IssueTypeInvariant, root, "Det ska finnas precis en av varje resurs: en rekommendation i taget.")
	}
	p.is, p.root, p.refs = true, root, refs
	return decode(body, &p.v, root)
}

// place puts a resource where it belongs.
func (o *order) place(kind string, body []byte, root string, refs ...string) error {
	switch kind {
	case "Patient":
		return take(&o.patient, body, root, refs...)
	case "Consent":
		return take(&o.consent, body, root, refs...)
	case "ServiceRequest":
		return take(&o.request, body, root, refs...)
	case "Task":
		return take(&o.task, body, root, refs...)
	}
	return fault(http.StatusUnprocessableEntity, r4.IssueTypeNotSupported, at(root, "resourceType"),
		"Vi tar emot Patient, ServiceRequest, Consent och Task, inget annat.")
}

// readRequest reads a ServiceRequest with its Patient and Consent contained.
func readRequest(body []byte, condition string) (order, error) {
	o := order{condition: condition}
	err := o.begin(body, "ServiceRequest")
	if err == nil {
		err = o.place("ServiceRequest", body, "ServiceRequest")
	}
	if err != nil {
		return o, err
	}
	for i, inner := range o.request.v.Contained {
		root := "ServiceRequest.contained[" + strconv.Itoa(i) + "]"
		h, err := headOf(inner, root)
		if err != nil {
			return o, err
		}
		if value(h.ID) == "" {
			return o, fault(http.StatusUnprocessableEntity, r4.IssueTypeRequired, at(root, "id"), "En resurs inuti en annan behöver ett id.")
		}
		if h.Type != "Patient" && h.Type != "Consent" {
			return o, fault(http.StatusUnprocessableEntity, r4.IssueTypeNotSupported, at(root, "resourceType"), "Inuti en ServiceRequest tar vi emot Patient och Consent.")
		}
		if err := o.place(h.Type, inner, root, "#"+*h.ID); err != nil {
			return o, err
		}
	}
	return o, nil
}

// mostEntries bounds a Bundle: one of each kind is four.
const mostEntries = 4

// readBundle reads a transaction.
func readBundle(body []byte) (order, error) {
	o := order{inBundle: true}
	if err := o.begin(body, "Bundle"); err != nil {
		return o, err
	}
	var b r4.OtherBundle
	if err := decode(body, &b, "Bundle"); err != nil {
		return o, err
	}
	switch {
	case b.Type != r4.BundleTypeTransaction:
		return o, fault(http.StatusUnprocessableEntity, r4.IssueTypeNotSupported, "Bundle.type", "Bundle ska ha typen transaction: allt tas emot, eller inget.")
	case len(b.Entry) == 0:
		return o, fault(http.StatusUnprocessableEntity, r4.IssueTypeRequired, "Bundle.entry", "Bundle är tom.")
	case len(b.Entry) > mostEntries:
		return o, fault(http.StatusUnprocessableEntity, r4.IssueTypeTooCostly, "Bundle.entry", "Bundle har för många delar: en Patient, en ServiceRequest, en Consent och en Task.")
	}
	urls := map[string]bool{}
	for i, e := range b.Entry {
		if err := o.entry(e, "Bundle.entry["+strconv.Itoa(i)+"]", urls); err != nil {
			return o, err
		}
	}
	return o, nil
}

// entry reads one part of a transaction.
func (o *order) entry(e r4.BundleEntry, root string, urls map[string]bool) error {
	full := value(e.FullUrl)
	if u, err := url.Parse(full); err != nil || u.Scheme == "" || len(full) > 500 || urls[full] {
		return fault(http.StatusUnprocessableEntity, r4.IssueTypeInvalid, at(root, "fullUrl"), "Varje del behöver en egen fullUrl, till exempel urn:uuid:…")
	}
	urls[full] = true
	h, err := headOf(e.Resource, at(root, "resource"))
	if err != nil {
		return err
	}
	switch {
	case e.Request == nil:
		return fault(http.StatusUnprocessableEntity, r4.IssueTypeRequired, at(root, "request"), "Uppgiften saknas.")
	case e.Request.Method != r4.HTTPVerbPOST:
		return fault(http.StatusUnprocessableEntity, r4.IssueTypeNotSupported, at(root, "request.method"), "I en Bundle tar vi emot nya resurser: POST.")
	case e.Request.Url != h.Type:
		return fault(http.StatusUnprocessableEntity, r4.IssueTypeInvalid, at(root, "request.url"), "Adressen ska vara resursens typ.")
	}
	if e.Request.IfNoneExist != nil {
		switch h.Type {
		case "ServiceRequest":
			o.condition, o.conditionAt = *e.Request.IfNoneExist, at(root, "request.ifNoneExist")
		case "Patient": // a person is found by the number, and never made twice
		default:
			return fault(http.StatusUnprocessableEntity, r4.IssueTypeNotSupported, at(root, "request.ifNoneExist"), "Villkoret ska stå vid ServiceRequest.")
		}
	}
	refs := []string{full}
	if strings.HasPrefix(full, "http") {
		if parts := strings.Split(full, "/"); len(parts) > 2 {
			refs = append(refs, strings.Join(parts[len(parts)-2:], "/"))
		}
	}
	o.kinds = append(o.kinds, h.Type)
	if err := o.label(h, at(root, "resource")); err != nil {
		return err
	}
	return o.place(h.Type, json.RawMessage(e.Resource), at(root, "resource"), refs...)
}
