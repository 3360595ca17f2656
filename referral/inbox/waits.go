package inbox

import (
	"context"
	"fmt"

	"halsocoach"
)

// Forgotten is how many recommendations to a kommun nobody has taken within the
// time after which its local steering group wants to know.
type Forgotten struct {
	Kommun string // code
	Days   int    // after which they count
	N      int
	Hidden bool // there are some, and too few to say how many
}

// Forgotten is the number of the administrator's kommun, or for the region's
// administrator one for each kommun. It says how many and never who, moves once a
// day, and leaves out people with protected identity.
func (s *Service) Forgotten(ctx context.Context, who halsocoach.Actor) ([]Forgotten, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion); err != nil {
		return nil, err
	}
	var out []Forgotten
	for _, k := range halsocoach.Kommuner {
		if who.Role == halsocoach.RoleKommun && k.Code != who.Kommun {
			continue
		}
		f, err := s.forgotten(ctx, k.Code)
		if err != nil {
			return nil, fmt.Errorf("forgotten in %s: %w", k.Code, err)
		}
		out = append(out, f)
	}
	return out, nil
}

func (s *Service) forgotten(ctx context.Context, kommun string) (Forgotten, error) {
	today := halsocoach.DayOf(s.now())
	terms, err := s.Records.Settings.Terms(ctx, kommun, "", today)
	if err != nil {
		return Forgotten{}, err
	}
	f := Forgotten{Kommun: kommun, Days: terms.FlagDays}
	if f.N, err = s.Records.UntouchedIn(ctx, kommun, today.Plus(-terms.FlagDays).Start()); err != nil {
		return f, err
	}
	if f.N > 0 && f.N < terms.HideBelow {
		f.N, f.Hidden = 0, true
	}
	return f, nil
}
