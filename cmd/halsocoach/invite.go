package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"halsocoach"
	"halsocoach/internal/auth"
)

// inviteCommand prints a link for a new colleague; it is how the first
// administrator comes in.
type inviteCommand struct {
	place
	PublicURL string `env:"HALSOCOACH_PUBLIC_URL" placeholder:"https://…" help:"The address by which people reach the service."`
	Role      string `enum:"region,kommun,coach,carecentre,association,family,operator" required:"" help:"region, kommun, coach, carecentre, association, family or operator."`
	Kommun    string `placeholder:"0684" help:"The kommun's code, for kommun, coach, carecentre and association."`
	Centre    string `placeholder:"0684" help:"The centre's code, for coach; default the kommun's first."`
	Unit      string `help:"The unit's id in the register, for carecentre and association."`
}

// Run makes the invitation in the store, beside a running service or without.
func (c *inviteCommand) Run(ctx context.Context, log *slog.Logger) error {
	if err := checkPublicURL(c.PublicURL); err != nil {
		return err
	}
	if err := c.place.check(); err != nil {
		return err
	}
	h, err := openGround(ctx, houseConfig{place: c.place, PublicURL: strings.TrimRight(c.PublicURL, "/"), Log: log})
	if err != nil {
		return err
	}
	defer h.close()
	signIn, err := h.signInOnly(ctx)
	if err != nil {
		return err
	}
	if c.Centre == "" && c.Role == string(halsocoach.RoleCoach) {
		c.Centre = c.Kommun
	}
	link, err := signIn.Invite(ctx, halsocoach.System("invite"), auth.Invitation{
		Role: halsocoach.Role(c.Role), Kommun: c.Kommun, Centre: c.Centre, Unit: c.Unit,
	})
	if err != nil {
		return fmt.Errorf("invite: %w", err)
	}
	fmt.Printf("%s\nThe link works once. Give it to the person it is meant for.\n", link)
	return nil
}
