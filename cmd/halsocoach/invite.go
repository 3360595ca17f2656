package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"halsocoach"
	"halsocoach/internal/staff"
)

// inviteCommand prints a link for a new colleague, or a new way in for one who has
// an account; it is how the first administrator comes in, and in again.
type inviteCommand struct {
	dataConfig
	PublicURL string `env:"HALSOCOACH_PUBLIC_URL" placeholder:"https://…" help:"The address by which people reach the service."`
	Role      string `enum:",region,kommun,coach,carecentre,association,family,operator" default:"" help:"For somebody new: region, kommun, coach, carecentre, association, family or operator."`
	Kommun    string `placeholder:"0684" help:"The kommun's code, for kommun, coach, carecentre and association."`
	Centre    string `placeholder:"0684" help:"The centre's code, for coach; default the kommun's first."`
	Unit      string `help:"The unit's id in the register, for carecentre and association."`
	Member    string `placeholder:"NAME" help:"Instead of --role, for somebody who has an account and has lost their way in: their name as it stands on the page Personal, or the account's id."`
}

// errWhom: the two ways to use the command.
var errWhom = errors.New("say whom the link is for: --role ROLE makes a new account, --member NAME is a new way in to an account there is")

// Run makes the link in the store, beside a running service or without.
func (c *inviteCommand) Run(ctx context.Context, log *slog.Logger) error {
	link, says, err := c.make(ctx, log)
	if err != nil {
		return err
	}
	fmt.Println(link)
	fmt.Fprintln(os.Stderr, says)
	return nil
}

// make makes the link, and says what it does.
func (c *inviteCommand) make(ctx context.Context, log *slog.Logger) (link, says string, err error) {
	if (c.Role == "") == (c.Member == "") {
		return "", "", errWhom
	}
	if err := checkPublicURL(c.PublicURL); err != nil {
		return "", "", err
	}
	err = c.withSignIn(ctx, strings.TrimRight(c.PublicURL, "/"), log, func(a *app) (err error) {
		link, says, err = c.makeIn(ctx, a.staff)
		return err
	})
	return link, says, err
}

// makeIn is make with the register of staff open.
func (c *inviteCommand) makeIn(ctx context.Context, register *staff.Service) (link, says string, err error) {
	known, err := everyone(ctx, register)
	if err != nil {
		return "", "", err
	}
	inv := staff.Invitation{Role: halsocoach.Role(c.Role), Kommun: c.Kommun, Centre: c.Centre, Unit: c.Unit}
	if c.Member != "" {
		m, err := called(known, c.Member)
		if err != nil {
			return "", "", err
		}
		inv = staff.Invitation{Staff: m.ID}
		says = fmt.Sprintf("The link works once, for seven days. It opens the account of %s. Give it to them and to nobody else.", accountOf(m))
	} else {
		if inv.Role == halsocoach.RoleCoach {
			inv.Centre = cmp.Or(inv.Centre, inv.Kommun)
		}
		says = "The link works once, for seven days, and makes a new account. Give it to the person it is meant for." + alike(known, inv)
	}
	if link, err = register.Invite(ctx, halsocoach.System("invite"), inv); err != nil {
		return "", "", fmt.Errorf("invite: %w", err)
	}
	return link, says, nil
}

// everyone is the whole register of staff, those who have left too.
func everyone(ctx context.Context, register *staff.Service) ([]staff.Member, error) {
	codes := []string{halsocoach.County}
	for _, k := range halsocoach.Kommuner {
		codes = append(codes, k.Code)
	}
	var all []staff.Member
	for _, code := range codes {
		some, err := register.StaffOf(ctx, halsocoach.System("invite"), code)
		if err != nil {
			return nil, fmt.Errorf("read the register of staff: %w", err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// called finds the one who works here with this name or id.
func called(register []staff.Member, name string) (staff.Member, error) {
	name = strings.Join(strings.Fields(name), " ")
	var here, left []staff.Member
	for _, m := range register {
		switch {
		case m.ID != name && !strings.EqualFold(m.Name, name):
		case m.Ended != "":
			left = append(left, m)
		default:
			here = append(here, m)
		}
	}
	switch {
	case len(here) == 1:
		return here[0], nil
	case len(here) > 1:
		return staff.Member{}, fmt.Errorf("%d are called %s; give the id of one of them: %s", len(here), name, accounts(here))
	case len(left) > 0:
		return staff.Member{}, fmt.Errorf("the account of %s is closed and is not opened again; --role makes a new one", accounts(left))
	}
	return staff.Member{}, fmt.Errorf("nobody here is called %s or has that id", name)
}

// alike says who has the same work in the same place already: the link may be meant
// for one of them.
func alike(register []staff.Member, inv staff.Invitation) string {
	var same []staff.Member
	for _, m := range register {
		if m.Ended == "" && m.Role == inv.Role && m.Kommun == inv.Kommun && (inv.Centre == "" || m.Centre == inv.Centre) && m.Unit == inv.Unit {
			same = append(same, m)
		}
	}
	if len(same) == 0 {
		return ""
	}
	return "\nThere already: " + accounts(same) + ". Is it one of them who has lost their way in? Then run the command again with --member ID and let this link be."
}

func accounts(members []staff.Member) string {
	said := make([]string, len(members))
	for i, m := range members {
		said[i] = accountOf(m)
	}
	return strings.Join(said, ", ")
}

// accountOf is somebody in the operator's words: "Eva Ek (region, id x)".
func accountOf(m staff.Member) string {
	where := string(m.Role)
	if place := cmp.Or(m.Unit, m.Centre, m.Kommun); place != "" {
		where += " " + place
	}
	return fmt.Sprintf("%s (%s, id %s)", m.Name, where, m.ID)
}
