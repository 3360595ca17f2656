package family

import (
	"context"
	"fmt"

	"halsocoach"
)

// Config is what the room needs.
type Config struct {
	Registers halsocoach.Registers
}

// Service is the room of the coordinator.
type Service struct{ cfg Config }

// New makes the service.
func New(cfg Config) *Service { return &Service{cfg} }

// Group is one of the three groups of kommuner, with the Hälsocenter that are open
// there: whom a coordinator works with.
type Group struct {
	Name    string
	Centres []halsocoach.Centre
}

// Groups are those of the county, in the order of the agreement. The coordinator
// and the region see them.
func (s *Service) Groups(ctx context.Context, who halsocoach.Actor) ([]Group, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleFamily, halsocoach.RoleRegion); err != nil {
		return nil, err
	}
	all, err := s.cfg.Registers.Centres(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("centres of the county: %w", err)
	}
	var out []Group
	for _, k := range halsocoach.Kommuner {
		if n := len(out); n == 0 || out[n-1].Name != k.Group {
			out = append(out, Group{Name: k.Group})
		}
		g := &out[len(out)-1]
		for _, c := range all {
			if c.Kommun == k.Code && !c.Closed {
				g.Centres = append(g.Centres, c)
			}
		}
	}
	return out, nil
}
