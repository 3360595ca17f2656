package auth

import (
	"context"

	"halsocoach"
	"halsocoach/internal/web"
)

// actText says an act of the access log to the person it was about. Packages
// name their acts in English verbs; one that is not here is still said, in
// general words.
func actText(ctx context.Context, act string) string {
	switch act {
	case "read referral":
		return web.T(ctx, "Läste din rekommendation")
	}
	return web.T(ctx, "Använde uppgifter om dig")
}

// whyText says a reason that a package gives by itself; what a person has
// written is shown as written.
func whyText(ctx context.Context, why string) string {
	return why
}

// whereText is the role and the place of who read.
func whereText(ctx context.Context, i Seen) string {
	role := web.RoleName(ctx, i.Role)
	switch {
	case i.Unit != "":
		return role + ", " + i.Unit
	case i.Kommun != "":
		return role + ", " + halsocoach.KommunName(i.Kommun)
	}
	return role
}
