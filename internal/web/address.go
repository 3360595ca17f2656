package web

import (
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// ClientIP is the address that a request comes from, for limits: the nearest one
// that is not a proxy of ours. X-Forwarded-For is read from its end, where our
// proxies write; what stands before the first address that we do not trust was
// written by whoever asks, and is not believed.
func ClientIP(c *fiber.Ctx) string {
	at, err := netip.ParseAddr(c.Context().RemoteIP().String())
	if err != nil {
		return c.Context().RemoteIP().String()
	}
	at = at.Unmap()
	st := stateOf(c)
	if st == nil || len(st.app.cfg.Proxies) == 0 {
		return at.String()
	}
	var hops []string
	for _, line := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(line), ",")...)
	}
	trusted := networks(st.app.cfg.Proxies)
	for i := len(hops) - 1; i >= 0 && trusted(at); i-- {
		before, ok := hop(hops[i])
		if !ok {
			break
		}
		at = before
	}
	return at.String()
}

// networks says which addresses are in a list of addresses and networks.
func networks(list []string) func(netip.Addr) bool {
	var all []netip.Prefix
	for _, text := range list {
		text = strings.TrimSpace(text)
		if p, err := netip.ParsePrefix(text); err == nil {
			all = append(all, p.Masked())
		} else if a, err := netip.ParseAddr(text); err == nil {
			a = a.Unmap()
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return func(a netip.Addr) bool {
		for _, p := range all {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
}

// hop is an address of X-Forwarded-For; some proxies write its port.
func hop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParseAddrPort(text); err == nil {
		return p.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return a.Unmap().WithZone(""), err == nil
}
