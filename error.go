package halsocoach

import (
	"errors"
	"strings"
)

// ErrorKind says what a fault means for the one who asked. Package web turns it
// into a page, a problem (RFC 9457) or a close code; nowhere else is that done.
type ErrorKind string

// The kinds, with the HTTP status they become.
const (
	KindInvalid   ErrorKind = "invalid"   // 422: answers to mend, by field
	KindSignIn    ErrorKind = "sign_in"   // 401, or 303 to the sign-in page
	KindForbidden ErrorKind = "forbidden" // 403
	KindNotFound  ErrorKind = "not_found" // 404, also for what is someone else's
	KindConflict  ErrorKind = "conflict"  // 409: taken, full, decided
	KindBusy      ErrorKind = "busy"      // 503: try again soon
)

// Error is a fault that a person can understand and act on. Text is Swedish and
// a key of the language catalogue. All other errors are ours: 500, a request
// id, and no inner words.
type Error struct {
	Kind   ErrorKind
	Code   string // machine-readable, "full", "taken"; may be empty
	Text   string
	Fields []Field // for KindInvalid, in the order of the form
	Err    error   // the cause, for the log only
}

// Field is one answer to mend. Name is the name of the form field or JSON
// member.
type Field struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Kind))
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	b.WriteString(": " + e.Text)
	for _, f := range e.Fields {
		b.WriteString("; " + f.Name + ": " + f.Text)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrFull) true for every Error of the same kind, code
// and text, so that packages can name their faults as values.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Code == e.Code && (t.Text == e.Text || t.Text == "")
}

// Invalid collects the answers to mend. With no fields it is nil, so a rule can
// end with: return halsocoach.Invalid(fields...).
func Invalid(fields ...Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Kind: KindInvalid, Text: "Några svar behöver rättas till.", Fields: fields}
}

// Faults collects the answers to mend, for Invalid.
type Faults []Field

// When adds one if something is wrong.
func (f *Faults) When(wrong bool, name, text string) {
	if wrong {
		*f = append(*f, Field{name, text})
	}
}

// Conflict, NotFound and Forbidden make named faults of a package:
// var ErrFull = halsocoach.Conflict("full", "Tillfället är fullbokat.")
func Conflict(code, text string) *Error {
	return &Error{Kind: KindConflict, Code: code, Text: text}
}

// NotFound: there is no such thing, or it is someone else's.
func NotFound(text string) *Error { return &Error{Kind: KindNotFound, Text: text} }

// Forbidden: the actor's role does not hold this.
func Forbidden(text string) *Error { return &Error{Kind: KindForbidden, Text: text} }

// The faults that every package shares.
var (
	ErrSignIn    = &Error{Kind: KindSignIn, Text: "Du behöver logga in för att fortsätta."}
	ErrForbidden = Forbidden("Ditt konto har inte tillgång till det här.")
	ErrNotFound  = NotFound("Vi hittar inte det du söker.")
	ErrBusy      = &Error{Kind: KindBusy, Text: "Just nu går det inte att spara. Försök igen om en liten stund."}
	ErrKeyReused = &Error{Kind: KindInvalid, Code: "key_reused", Text: "Samma Idempotency-Key har redan använts för något annat."}
)

// KindOf is the kind of err, or "" for an error that is ours.
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// Allow is the first line of many service methods: nobody must sign in, and
// only these roles may.
func Allow(who Actor, roles ...Role) error {
	if !who.SignedIn() {
		return ErrSignIn
	}
	if !who.Is(roles...) {
		return ErrForbidden
	}
	return nil
}
