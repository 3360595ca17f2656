package fhir

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	r4 "github.com/samply/golang-fhir-models/fhir-models/fhir"

	"halsocoach"
	"halsocoach/internal/web"
)

// Issue is one fault in what was sent. Where is a FHIRPath, "" when it has no
// place. Text is Swedish and repeats nothing of what was sent.
type Issue struct {
	Code  r4.IssueType
	Where string
	Text  string
}

// Fault is why nothing was done, with every fault that was found.
type Fault struct {
	Status int
	Issues []Issue
}

func (f *Fault) Error() string {
	if len(f.Issues) == 0 {
		return http.StatusText(f.Status)
	}
	return f.Issues[0].Code.Code() + " " + f.Issues[0].Where + ": " + f.Issues[0].Text
}

// Unwrap gives the fault its status where faults are answered.
func (f *Fault) Unwrap() error { return &web.Problem{Type: "about:blank", Status: f.Status} }

func fault(status int, code r4.IssueType, where, text string) *Fault {
	return &Fault{status, []Issue{{code, where, text}}}
}

// Media are the two media types of the door.
const (
	mediaFHIR = "application/fhir+json"
	mediaJSON = "application/json"
)

// Say writes a fault as an OperationOutcome; see web.Config.Faults.
func Say(_ context.Context, err error, p *web.Problem) (contentType string, body []byte) {
	body, err = json.Marshal(outcome(issuesOf(err, p)))
	if err != nil {
		body = []byte(`{"resourceType":"OperationOutcome","issue":[{"severity":"fatal","code":"exception"}]}`)
	}
	return mediaFHIR, append(body, '\n')
}

func outcome(issues []Issue) r4.OperationOutcome {
	out := r4.OperationOutcome{Language: text("sv")}
	for _, i := range issues {
		issue := r4.OperationOutcomeIssue{Severity: r4.IssueSeverityError, Code: i.Code, Diagnostics: text(i.Text)}
		if i.Code == r4.IssueTypeException {
			issue.Severity = r4.IssueSeverityFatal
		}
		if i.Where != "" {
			issue.Expression = []string{i.Where}
		}
		out.Issue = append(out.Issue, issue)
	}
	return out
}

// issuesOf are the issues of any fault.
func issuesOf(err error, p *web.Problem) []Issue {
	var f *Fault
	if errors.As(err, &f) && len(f.Issues) > 0 {
		return f.Issues
	}
	var e *halsocoach.Error
	if errors.As(err, &e) {
		if len(e.Fields) == 0 {
			return []Issue{{codeOf(p.Status), "", e.Text}}
		}
		var all []Issue
		for _, x := range e.Fields {
			all = append(all, Issue{r4.IssueTypeValue, x.Name, x.Text})
		}
		return all
	}
	said := p.Detail
	if p.Status == http.StatusUnsupportedMediaType || p.Status == http.StatusNotAcceptable {
		said = "Vi tar emot och svarar med application/fhir+json och application/json."
	}
	if p.Status >= http.StatusInternalServerError {
		said += " Ange " + p.Request + " om du hör av dig."
	}
	return []Issue{{codeOf(p.Status), "", said}}
}

// codes are the issue types of statuses; that of any other is invalid.
var codes = map[int]r4.IssueType{
	http.StatusUnauthorized: r4.IssueTypeLogin, http.StatusForbidden: r4.IssueTypeForbidden, http.StatusNotFound: r4.IssueTypeNotFound,
	http.StatusMethodNotAllowed: r4.IssueTypeNotSupported, http.StatusUnsupportedMediaType: r4.IssueTypeNotSupported,
	http.StatusNotAcceptable: r4.IssueTypeNotSupported, http.StatusConflict: r4.IssueTypeConflict,
	http.StatusPreconditionFailed: r4.IssueTypeConflict, http.StatusPreconditionRequired: r4.IssueTypeConflict,
	http.StatusRequestEntityTooLarge: r4.IssueTypeTooLong, http.StatusServiceUnavailable: r4.IssueTypeTransient,
	http.StatusInternalServerError: r4.IssueTypeException,
}

func codeOf(status int) r4.IssueType {
	if code, ok := codes[status]; ok {
		return code
	}
	return r4.IssueTypeInvalid
}

// text is a pointer to s, as the models want optional texts.
func text(s string) *string { return &s }
