package web

import (
	"io"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
)

func TestAnAddressIsWhatOurOwnProxiesSay(t *testing.T) {
	for _, c := range []struct {
		name    string
		proxies []string
		headers []string
		want    string
	}{
		{"no proxy", nil, []string{"X-Forwarded-For: 1.1.1.1"}, "0.0.0.0"},
		{"not through ours", []string{"10.0.0.1"}, []string{"X-Forwarded-For: 1.1.1.1"}, "0.0.0.0"},
		{"one proxy", []string{"0.0.0.0"}, []string{"X-Forwarded-For: 1.1.1.1"}, "1.1.1.1"},
		{"what the visitor wrote before it", []string{"0.0.0.0"}, []string{"X-Forwarded-For: 9.9.9.9, 8.8.8.8, 1.1.1.1"}, "1.1.1.1"},
		{"two proxies", []string{"0.0.0.0", "10.0.0.0/8"}, []string{"X-Forwarded-For: 9.9.9.9, 1.1.1.1, 10.1.2.3"}, "1.1.1.1"},
		{"a proxy that adds a header", []string{"0.0.0.0", "10.0.0.0/8"}, []string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 1.1.1.1, 10.1.2.3"}, "1.1.1.1"},
		{"from within", []string{"0.0.0.0", "10.0.0.0/8"}, []string{"X-Forwarded-For: 10.9.9.9, 10.1.2.3"}, "10.9.9.9"},
		{"nothing that is an address", []string{"0.0.0.0", "10.0.0.0/8"}, []string{"X-Forwarded-For: 1.1.1.1, unknown, 10.1.2.3"}, "10.1.2.3"},
		{"with a port", []string{"0.0.0.0"}, []string{"X-Forwarded-For: 1.1.1.1:4711"}, "1.1.1.1"},
		{"a long one", []string{"0.0.0.0"}, []string{"X-Forwarded-For: [2001:db8::7]:443"}, "2001:db8::7"},
		{"a short one written long", []string{"0.0.0.0"}, []string{"X-Forwarded-For: ::ffff:1.1.1.1"}, "1.1.1.1"},
		{"no header", []string{"0.0.0.0"}, nil, "0.0.0.0"},
	} {
		a := testApp(t, func(cfg *Config) { cfg.Proxies = c.proxies })
		a.Fiber().Get("/varifran", func(c *fiber.Ctx) error { return c.SendString(ClientIP(c)) })
		r := httptest.NewRequest("GET", "/varifran", nil)
		for _, h := range c.headers {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Add(name, value)
		}
		res, err := a.Fiber().Test(r, -1)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if string(got) != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestAProxyIsAnAddressOrANetwork(t *testing.T) {
	trusted := networks([]string{" 10.0.0.0/8", "2001:db8::/32", "192.0.2.7", "nonsense"})
	for text, want := range map[string]bool{"10.200.0.1": true, "11.0.0.1": false, "2001:db8:1::1": true, "2001:db9::1": false, "192.0.2.7": true, "192.0.2.8": false} {
		if got := trusted(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
