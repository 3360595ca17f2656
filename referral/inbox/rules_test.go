package inbox_test

import (
	"errors"
	"testing"

	"halsocoach"
	"halsocoach/referral/inbox"
)

func TestARulingIsJudgedByItsDecision(t *testing.T) {
	for _, c := range []struct {
		name  string
		in    inbox.Ruling
		field string // "" = fine
	}{
		{"accept", inbox.Ruling{Decision: "accept"}, ""},
		{"accept looks at nothing else", inbox.Ruling{Decision: "accept", Reason: "x", Centre: "y"}, ""},
		{"decline with a reason", inbox.Ruling{Decision: "decline", Reason: "full"}, ""},
		{"decline without", inbox.Ruling{Decision: "decline"}, "reason"},
		{"decline for no class", inbox.Ruling{Decision: "decline", Reason: "trött"}, "reason"},
		{"forward", inbox.Ruling{Decision: "forward", Centre: "0680"}, ""},
		{"forward nowhere", inbox.Ruling{Decision: "forward"}, "centre"},
		{"forward to itself", inbox.Ruling{Decision: "forward", Centre: "0684"}, "centre"},
		{"nothing", inbox.Ruling{}, "decision"},
		{"what only the system does", inbox.Ruling{Decision: "start"}, "decision"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.in.Validate("0684")
			var e *halsocoach.Error
			if (c.field == "") != (err == nil) || c.field != "" && (!errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Name != c.field) {
				t.Fatalf("got %v, want fault in %q", err, c.field)
			}
		})
	}
}
