package main

import (
	"slices"

	"halsocoach"
	"halsocoach/internal/web"
)

// navLink is a part's place in the navigation of some roles; "" is a visitor.
type navLink struct {
	web.Link
	place int // the lowest comes first
	roles []halsocoach.Role
}

func link(place int, path, text, icon string, roles ...halsocoach.Role) navLink {
	return navLink{web.Link{Path: path, Text: text, Icon: icon}, place, roles}
}

// navigation is what each role can go to, the page with their next step first.
type navigation map[halsocoach.Role][]web.Link

func navigate(all []part) navigation {
	var links []navLink
	for _, p := range all {
		links = append(links, p.nav...)
	}
	slices.SortStableFunc(links, func(a, b navLink) int { return a.place - b.place })
	n := navigation{}
	for _, l := range links {
		for _, role := range l.roles {
			n[role] = append(n[role], l.Link)
		}
	}
	return n
}

func (n navigation) of(who halsocoach.Actor) []web.Link { return n[who.Role] }

// home is where a person lands after sign-in.
func (n navigation) home(who halsocoach.Actor) string {
	if links := n[who.Role]; len(links) > 0 {
		return links[0].Path
	}
	return "/"
}

// account are the pages of a person's own account, beside those of sign-in.
func account(mail bool) []web.Link {
	if !mail {
		return nil
	}
	return []web.Link{{Path: "/aviseringar", Text: "Aviseringar"}}
}
