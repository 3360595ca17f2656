package mongo

import (
	"testing"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
)

func TestACodeOfTheServerSaysWhatIsWrongAndWhetherTheWriteMayBeDone(t *testing.T) {
	for name, c := range map[string]struct {
		code   int32
		want   trouble
		landed bool
	}{
		"NotWritablePrimary":        {10107, noPrimary, false},
		"PrimarySteppedDown":        {189, noPrimary, true},
		"HostUnreachable":           {6, unreachable, true},
		"MaxTimeMSExpired":          {50, slow, true},
		"OutOfDiskSpace":            {14031, readOnly, false},
		"UnsatisfiableWriteConcern": {100, readOnly, true},
		"DuplicateKey":              {11000, "", false},
	} {
		if got, landed := troubleOf(driver.CommandError{Code: c.code, Name: name}); got != c.want || landed != c.landed {
			t.Errorf("%s: %q, may be done: %t", name, got, landed)
		}
	}
}
