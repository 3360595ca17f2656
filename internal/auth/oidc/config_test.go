package oidc

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestABadSettingIsOneLineThatSaysHowToMendIt(t *testing.T) {
	dir := t.TempDir()
	file := func(name, body string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := Settings{Issuer: "https://login.example.se", ClientID: "halsocoach", ClientSecret: "hemligt", Personnummer: "pnr"}
	with := func(change func(*Settings)) Settings { s := good; change(&s); return s }
	const entry = `{"id":"a","title":"A","issuer":"https://a.example","clientId":"c","clientSecret":"s","for":["staff"],"claims":{}}`
	for _, c := range []struct {
		name string
		s    Settings
		want []string // nothing: it is good
	}{
		{"nothing", Settings{}, nil},
		{"one provider", good, nil},
		{"a secret file", with(func(s *Settings) { s.ClientSecret, s.SecretFile = "", file("secret", "hemligt\n") }), nil},
		{"a list", Settings{File: file("good.json", "["+entry+"]")}, nil},
		{"a provider of one's own machine", with(func(s *Settings) { s.Issuer = "http://127.0.0.1:5556" }), nil},
		{"file and issuer", with(func(s *Settings) { s.File = "x" }), []string{"both given", "keep the one"}},
		{"no issuer", Settings{ClientID: "c"}, []string{"HALSOCOACH_OIDC_ISSUER is missing", "https://"}},
		{"plain http", with(func(s *Settings) { s.Issuer = "http://login.example.se" }), []string{"HALSOCOACH_OIDC_ISSUER", "https://"}},
		{"an address with a query", with(func(s *Settings) { s.Issuer = "https://a.example?x=y" }), []string{"HALSOCOACH_OIDC_ISSUER", "exactly"}},
		{"no client id", with(func(s *Settings) { s.ClientID = "" }), []string{"HALSOCOACH_OIDC_CLIENT_ID is missing"}},
		{"no secret", with(func(s *Settings) { s.ClientSecret = "" }), []string{"HALSOCOACH_OIDC_CLIENT_SECRET_FILE is missing"}},
		{"two secrets", with(func(s *Settings) { s.SecretFile = "x" }), []string{"both given", "keep the file"}},
		{"a secret file that is not there", with(func(s *Settings) { s.ClientSecret, s.SecretFile = "", dir+"/none" }), []string{"HALSOCOACH_OIDC_CLIENT_SECRET_FILE", "no such file"}},
		{"an empty secret file", with(func(s *Settings) { s.ClientSecret, s.SecretFile = "", file("empty", " \n") }), []string{"empty", "write the secret"}},
		{"for nobody we know", with(func(s *Settings) { s.For = []string{"patients"} }), []string{"HALSOCOACH_OIDC_FOR", "citizens, staff"}},
		{"citizens without a number", with(func(s *Settings) { s.Personnummer = "" }), []string{"HALSOCOACH_OIDC_CLAIM_PERSONNUMMER is missing"}},
		{"without openid", with(func(s *Settings) { s.Scopes = []string{"profile"} }), []string{"openid must be one"}},
		{"no such file", Settings{File: dir + "/missing.json"}, []string{"HALSOCOACH_OIDC_FILE", "no such file"}},
		{"not JSON", Settings{File: file("bad.json", "{")}, []string{"HALSOCOACH_OIDC_FILE", "docs/sign-in.md"}},
		{"a misspelt name", Settings{File: file("odd.json", `[{"isuer":"x"}]`)}, []string{"isuer"}},
		{"an empty list", Settings{File: file("none.json", "[]")}, []string{"empty"}},
		{"a bad id", Settings{File: file("id.json", strings.Replace("["+entry+"]", `"a"`, `"Å/"`, 1))}, []string{"provider 1", "a-z"}},
		{"trusted with what we do not know", Settings{File: file("speaks.json", strings.Replace("["+entry+"]", `"claims"`, `"speaksFor":["mail"],"claims"`, 1))}, []string{`speaksFor holds "mail"`, "hsa, person"}},
		{"two of one id", Settings{File: file("two.json", "["+entry+","+entry+"]")}, []string{`two providers have the id "a"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.s.Check()
			if len(c.want) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not in %q", w, err)
				}
			}
			if strings.Contains(err.Error(), "hemligt") {
				t.Errorf("the secret is in %q", err)
			}
		})
	}
}

func TestFormsMayLeadToTheProvidersOnly(t *testing.T) {
	got := FormTargets([]Provider{
		{Issuer: "https://a.example/realms/x"}, {Issuer: "https://a.example/realms/y", FormTargets: []string{"https://b.example"}},
	})
	if !slices.Equal(got, []string{"https://a.example", "https://b.example"}) {
		t.Fatal(got)
	}
}
