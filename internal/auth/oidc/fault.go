package oidc

import (
	"errors"
	"fmt"
	"net/http"
)

// fault is why a sign-in came to nothing. Each has a page of its own, in
// fault.templ, and a word for the log, which never holds what the provider said
// about the person.
type fault struct {
	code   string
	status int
	guess  bool  // counts as a failed sign-in of the address
	err    error // for the log
}

func (f *fault) Error() string {
	if f.err != nil {
		return "oidc: " + f.code + ": " + f.err.Error()
	}
	return "oidc: " + f.code
}

func (f *fault) Unwrap() error { return f.err }

// because is the fault with what is known of its cause. Say nothing in it that
// comes from a claim about the person.
func (f fault) because(format string, args ...any) *fault {
	f.err = fmt.Errorf(format, args...)
	return &f
}

// The faults.
var (
	errCancelled = fault{code: "cancelled", status: http.StatusOK}
	errRefused   = fault{code: "refused by the provider", status: http.StatusBadGateway}
	errDown      = fault{code: "provider down", status: http.StatusServiceUnavailable}
	errNonsense  = fault{code: "provider answers what is not OpenID Connect", status: http.StatusBadGateway}
	errIssuer    = fault{code: "other issuer", status: http.StatusBadGateway}
	errLost      = fault{code: "flow not begun in this browser, or too long ago", status: http.StatusBadRequest}
	errAgain     = fault{code: "flow already ended", status: http.StatusConflict}
	errCode      = fault{code: "code not accepted", status: http.StatusBadRequest, guess: true}
	errToken     = fault{code: "token can not be read", status: http.StatusBadGateway, guess: true}
	errUnsigned  = fault{code: "token without a signature we trust", status: http.StatusBadGateway, guess: true}
	errKey       = fault{code: "token signed by an unknown key", status: http.StatusBadGateway, guess: true}
	errAudience  = fault{code: "token meant for another service", status: http.StatusBadGateway, guess: true}
	errExpired   = fault{code: "token expired, or the clocks differ", status: http.StatusBadGateway}
	errReplayed  = fault{code: "token of another flow", status: http.StatusBadRequest, guess: true}
	errMissing   = fault{code: "claim missing", status: http.StatusBadGateway}
	errNumber    = fault{code: "not an identity number", status: http.StatusBadGateway}
	errWeak      = fault{code: "sign-in not strong enough", status: http.StatusForbidden}
)

// asFault is err as a fault, or nil for one of another kind.
func asFault(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}
