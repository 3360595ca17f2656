package web

import (
	"context"

	"halsocoach"
)

func (v view) title(ctx context.Context) string {
	if v.Title == "" {
		return v.app.cfg.Name
	}
	return T(ctx, v.Title) + " – " + v.app.cfg.Name
}

// current is the value of aria-current.
func current(here bool) string {
	if here {
		return "page"
	}
	return "false"
}

func roleName(ctx context.Context, r halsocoach.Role) string {
	switch r {
	case halsocoach.RoleCitizen:
		return T(ctx, "Invånare")
	case halsocoach.RoleCoach:
		return T(ctx, "Hälsocoach")
	case halsocoach.RoleCareCentre:
		return T(ctx, "Vårdcentral")
	case halsocoach.RoleAssociation:
		return T(ctx, "Förening")
	case halsocoach.RoleKommun:
		return T(ctx, "Kommunens administratör")
	case halsocoach.RoleRegion:
		return T(ctx, "Regionens administratör")
	case halsocoach.RoleFamily:
		return T(ctx, "Samordnare för familjecentraler")
	case halsocoach.RoleOperator:
		return T(ctx, "Drift")
	}
	return ""
}

// RoleName is what a role is called: "Hälsocoach".
func RoleName(ctx context.Context, r halsocoach.Role) string { return roleName(ctx, r) }
