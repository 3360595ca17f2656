package main

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/staff"
	"halsocoach/internal/testenv"
)

// opened is what the link leads to: the page, and the cookie of the session that
// pressing its button begins.
func opened(t *testing.T, h *app, link string, form url.Values) (page, session string) {
	t.Helper()
	path, ok := strings.CutPrefix(link, "http://example.test")
	if !ok {
		t.Fatalf("the link is %s", link)
	}
	page = h.send(t, "", http.MethodGet, path, nil).body
	form.Set("_key", halsocoach.NewID())
	for _, c := range (&http.Response{Header: h.send(t, "", http.MethodPost, path, form).header}).Cookies() {
		if c.Name == "session" {
			session = c.Value
		}
	}
	return page, session
}

func TestSomebodyWhoHasLostTheirWayInGetsANewOne(t *testing.T) {
	h, _ := testApp(t)
	invite := func(c inviteCommand) (link, says string, err error) {
		c.dataConfig, c.PublicURL = h.cfg.dataConfig, "http://example.test"
		return c.make(t.Context(), slog.New(slog.NewTextHandler(io.Discard, nil)))
	}
	link, says, err := invite(inviteCommand{Role: "region"})
	if err != nil || !strings.Contains(says, "makes a new account") || !strings.Contains(says, "Per Sjö (region, id ") || !strings.Contains(says, "--member ID") {
		t.Fatalf("%q %v", says, err)
	}
	if page, session := opened(t, h, link, url.Values{"name": {"Eva Ek"}}); !strings.Contains(page, "Ditt namn") || session == "" {
		t.Fatal("somebody new does not come in")
	}
	for _, name := range []string{"Eva Ek", "  eva   EK "} {
		link, says, err := invite(inviteCommand{Member: name})
		if err != nil || !strings.Contains(says, "It opens the account of Eva Ek (region, id ") {
			t.Fatalf("%q: %q %v", name, says, err)
		}
		page, session := opened(t, h, link, url.Values{})
		who, err := h.auth.ActorOf(t.Context(), session)
		if err != nil || who.Name != "Eva Ek" || who.Role != halsocoach.RoleRegion || strings.Contains(page, "Ditt namn") {
			t.Fatalf("%+v %v", who, err)
		}
		if _, again := opened(t, h, link, url.Values{}); again != "" {
			t.Fatal("the link works twice")
		}
	}
	members, err := h.staff.StaffOf(t.Context(), halsocoach.System("test"), halsocoach.County)
	testenv.Must(t, err)
	evas, eva := 0, staff.Member{}
	for _, m := range members {
		if m.Name == "Eva Ek" {
			evas, eva = evas+1, m
		}
	}
	if evas != 1 {
		t.Fatalf("there are %d of her", evas)
	}
	testenv.Must(t, testenv.ErrOf(h.staff.Hire(t.Context(), halsocoach.System("test"), staff.Member{Name: "Eva Ek", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})))
	if _, _, err = invite(inviteCommand{Member: "Eva Ek"}); err == nil || !strings.Contains(err.Error(), "2 are called Eva Ek") || !strings.Contains(err.Error(), eva.ID) || !strings.Contains(err.Error(), "coach 0684") {
		t.Fatalf("namesakes: %v", err)
	}
	if _, says, err = invite(inviteCommand{Member: eva.ID}); err != nil || !strings.Contains(says, eva.ID) {
		t.Fatalf("by id: %q %v", says, err)
	}
	testenv.Must(t, testenv.ErrOf(h.staff.End(t.Context(), halsocoach.System("test"), eva.ID)))
	for name, c := range map[string]struct {
		command inviteCommand
		says    string
	}{
		"a closed account": {inviteCommand{Member: eva.ID}, "is closed"},
		"nobody":           {inviteCommand{Member: "Nils Ingen"}, "nobody here is called Nils Ingen"},
	} {
		if _, _, err := invite(c.command); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []inviteCommand{{}, {Role: "region", Member: "Eva Ek"}} {
		if _, _, err := invite(c); !errors.Is(err, errWhom) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
