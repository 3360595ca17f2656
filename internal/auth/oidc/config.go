package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Settings are the sign-in of an installation as flags and environment give
// them: one provider by HALSOCOACH_OIDC_ISSUER and its like, or several in the
// file of HALSOCOACH_OIDC_FILE. Without either, staff come in by links and
// citizens not at all.
type Settings struct {
	File         string   `name:"oidc-file" env:"HALSOCOACH_OIDC_FILE" placeholder:"FILE" help:"JSON list of sign-in providers; see docs/sign-in.md."`
	Issuer       string   `name:"oidc-issuer" env:"HALSOCOACH_OIDC_ISSUER" placeholder:"https://…" help:"Issuer of the one sign-in provider."`
	ClientID     string   `name:"oidc-client-id" env:"HALSOCOACH_OIDC_CLIENT_ID" help:"Our client id there."`
	ClientSecret string   `name:"oidc-client-secret" env:"HALSOCOACH_OIDC_CLIENT_SECRET" help:"Our secret there; better in a file."`
	SecretFile   string   `name:"oidc-client-secret-file" env:"HALSOCOACH_OIDC_CLIENT_SECRET_FILE" placeholder:"FILE" help:"File that holds our secret there."`
	Title        string   `name:"oidc-title" env:"HALSOCOACH_OIDC_TITLE" default:"E-legitimation" help:"What its button says."`
	For          []string `name:"oidc-for" env:"HALSOCOACH_OIDC_FOR" default:"citizens" help:"citizens, staff or both, with a comma between."`
	Scopes       []string `name:"oidc-scopes" env:"HALSOCOACH_OIDC_SCOPES" default:"openid,profile" help:"Scopes to ask for."`
	Personnummer string   `name:"oidc-claim-personnummer" env:"HALSOCOACH_OIDC_CLAIM_PERSONNUMMER" placeholder:"CLAIM" help:"Claim with the personnummer."`
	HSAID        string   `name:"oidc-claim-hsaid" env:"HALSOCOACH_OIDC_CLAIM_HSAID" placeholder:"CLAIM" help:"Claim with the HSA-id of staff."`
	Name         string   `name:"oidc-claim-name" env:"HALSOCOACH_OIDC_CLAIM_NAME" default:"name" help:"Claim with the name."`
	Protected    string   `name:"oidc-claim-protected" env:"HALSOCOACH_OIDC_CLAIM_PROTECTED" placeholder:"CLAIM" help:"Claim that says protected identity."`
	Kommun       string   `name:"oidc-claim-kommun" env:"HALSOCOACH_OIDC_CLAIM_KOMMUN" placeholder:"CLAIM" help:"Claim with the code of the kommun where a citizen lives."`
	ACR          []string `name:"oidc-acr" env:"HALSOCOACH_OIDC_ACR" placeholder:"ACR" help:"Levels of assurance that are strong enough for staff; empty = any."`
}

// Provider is one provider of sign-ins.
type Provider struct {
	ID               string   `json:"id"`    // in addresses: "bankid"
	Title            string   `json:"title"` // what its button says
	Issuer           string   `json:"issuer"`
	ClientID         string   `json:"clientId"`
	ClientSecret     string   `json:"clientSecret,omitempty"`
	ClientSecretFile string   `json:"clientSecretFile,omitempty"`
	For              []string `json:"for"` // citizens, staff
	Scopes           []string `json:"scopes,omitempty"`
	Claims           Claims   `json:"claims"`
	// ACR and AMR are the values of the claims acr and amr that are strong
	// enough for staff: one of either will do. None = any sign-in will do.
	ACR []string `json:"acr,omitempty"`
	AMR []string `json:"amr,omitempty"`
	// CitizenACR is asked of citizens in the same way.
	CitizenACR []string `json:"citizenAcr,omitempty"`
	// SpeaksFor are the kinds of identity ("hsa", "person") that the provider may
	// say of all staff. None = it opens the accounts that it was tied to itself.
	SpeaksFor []string `json:"speaksFor,omitempty"`
	// StayAtProvider leaves the provider's own session when one signs out here.
	StayAtProvider bool `json:"stayAtProvider,omitempty"`
	// FormTargets are origins besides the issuer's that a sign-out passes.
	FormTargets []string `json:"formTargets,omitempty"`
}

// Claims are the names of the claims that a provider uses.
type Claims struct {
	Personnummer string `json:"personnummer,omitempty"`
	HSAID        string `json:"hsaId,omitempty"`
	Name         string `json:"name,omitempty"`      // default name
	Protected    string `json:"protected,omitempty"` // protected identity
	Kommun       string `json:"kommun,omitempty"`    // SCB's code of where a citizen lives
	ACR          string `json:"acr,omitempty"`       // default acr
}

// Whom a provider is for.
const (
	ForCitizens = "citizens"
	ForStaff    = "staff"
)

// The kinds of identity that are the same at all providers.
const (
	hsa    = "hsa"
	person = "person"
)

// bad says in one line what is wrong with a setting and how to mend it.
func bad(what, mend string, args ...any) error {
	return fmt.Errorf("%s: %s", what, fmt.Sprintf(mend, args...))
}

// Check says what is wrong with the settings, or nil.
func (s Settings) Check() error {
	_, err := s.Providers()
	return err
}

// Providers reads the settings. With none there are no providers.
func (s Settings) Providers() ([]Provider, error) {
	switch {
	case s.File != "" && s.Issuer != "":
		return nil, bad("HALSOCOACH_OIDC_FILE and HALSOCOACH_OIDC_ISSUER are both given", "keep the one you mean; the file can hold all providers")
	case s.File != "":
		return readFile(s.File)
	case s.Issuer == "":
		if s.ClientID != "" || s.ClientSecret != "" || s.SecretFile != "" {
			return nil, bad("HALSOCOACH_OIDC_ISSUER is missing", "give the provider's issuer, for example https://login.example.se")
		}
		return nil, nil
	}
	p := Provider{
		ID: "inloggning", Title: s.Title, Issuer: s.Issuer, ClientID: s.ClientID, ClientSecret: s.ClientSecret, ClientSecretFile: s.SecretFile,
		For: s.For, Scopes: s.Scopes, ACR: s.ACR,
		Claims: Claims{Personnummer: s.Personnummer, HSAID: s.HSAID, Name: s.Name, Protected: s.Protected, Kommun: s.Kommun},
	}
	if p.Title == "" {
		p.Title = "E-legitimation"
	}
	if len(p.For) == 0 {
		p.For = []string{ForCitizens}
	}
	if err := p.complete("HALSOCOACH_OIDC_"); err != nil {
		return nil, err
	}
	return []Provider{p}, nil
}

func readFile(path string) ([]Provider, error) {
	setting := fmt.Sprintf("HALSOCOACH_OIDC_FILE is %q", path)
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, bad(setting, "the file can not be read (%s)", reason(err))
	}
	var all []Provider
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil {
		return nil, bad(setting, "it is not a JSON list of providers (%s); docs/sign-in.md has one to begin from", err)
	}
	if len(all) == 0 {
		return nil, bad(setting, "the list is empty; write a provider in it or leave the setting out")
	}
	seen := map[string]bool{}
	for i := range all {
		if err := all[i].complete(fmt.Sprintf("%s: provider %d (%s): ", setting, i+1, all[i].ID)); err != nil {
			return nil, err
		}
		if seen[all[i].ID] {
			return nil, bad(setting, "two providers have the id %q; give each its own", all[i].ID)
		}
		seen[all[i].ID] = true
	}
	return all, nil
}

var goodID = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// complete checks a provider, reads its secret and fills in the defaults. where
// is what a fault's line begins with: by file the JSON names follow, by
// environment the names of the variables.
func (p *Provider) complete(where string) error {
	name := func(json, env string) string {
		if strings.HasSuffix(where, "_") {
			return where + env
		}
		return where + json
	}
	if !goodID.MatchString(p.ID) {
		return bad(name("id", "ID"), "give a short name of a-z, 0-9 and -, it becomes part of an address")
	}
	if strings.TrimSpace(p.Title) == "" {
		return bad(name("title", "TITLE"), "say what the button is to say, for example BankID eller Freja")
	}
	if err := checkIssuer(p.Issuer); err != nil {
		return bad(name("issuer", "ISSUER")+fmt.Sprintf(" is %q", p.Issuer), "%s", err)
	}
	if p.ClientID == "" {
		return bad(name("clientId", "CLIENT_ID")+" is missing", "give the client id that the provider has registered us by")
	}
	if err := p.readSecret(name("clientSecret", "CLIENT_SECRET"), name("clientSecretFile", "CLIENT_SECRET_FILE")); err != nil {
		return err
	}
	for _, w := range p.For {
		if w != ForCitizens && w != ForStaff {
			return bad(name("for", "FOR")+fmt.Sprintf(" holds %q", w), "give citizens, staff or both")
		}
	}
	if len(p.For) == 0 {
		return bad(name("for", "FOR")+" is missing", "give citizens, staff or both")
	}
	if p.is(ForCitizens) && p.Claims.Personnummer == "" {
		return bad(name("claims.personnummer", "CLAIM_PERSONNUMMER")+" is missing", "name the claim that holds a citizen's personnummer")
	}
	for _, kind := range p.SpeaksFor {
		if kind != hsa && kind != person || !p.is(ForStaff) {
			return bad(name("speaksFor", "SPEAKS_FOR")+fmt.Sprintf(" holds %q", kind), "give hsa, person or both, to a provider for staff")
		}
	}
	if len(p.Scopes) == 0 {
		p.Scopes = []string{"openid", "profile"}
	}
	if !slices.Contains(p.Scopes, "openid") {
		return bad(name("scopes", "SCOPES"), "openid must be one of them")
	}
	for _, target := range p.FormTargets {
		if u, err := url.Parse(target); err != nil || u.Host == "" || u.Path != "" {
			return bad(name("formTargets", "FORM_TARGETS")+fmt.Sprintf(" holds %q", target), "give origins, as https://idp.example.se")
		}
	}
	if p.Claims.Name == "" {
		p.Claims.Name = "name"
	}
	if p.Claims.ACR == "" {
		p.Claims.ACR = "acr"
	}
	return nil
}

func (p *Provider) readSecret(direct, file string) error {
	switch {
	case p.ClientSecret != "" && p.ClientSecretFile != "":
		return bad(direct+" and "+file+" are both given", "keep the file")
	case p.ClientSecretFile != "":
		body, err := os.ReadFile(p.ClientSecretFile)
		if err != nil {
			return bad(fmt.Sprintf("%s is %q", file, p.ClientSecretFile), "the file can not be read (%s)", reason(err))
		}
		if p.ClientSecret = strings.TrimSpace(string(body)); p.ClientSecret == "" {
			return bad(fmt.Sprintf("%s is %q", file, p.ClientSecretFile), "the file is empty; write the secret in it")
		}
	case p.ClientSecret == "":
		return bad(file+" is missing", "give the file that holds the secret the provider has given us")
	}
	return nil
}

// reason is the cause without the path, which the line already holds.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return errors.New("give the issuer exactly as the provider writes it, for example https://login.example.se")
	case u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	case u.Scheme != "https":
		return errors.New("it must begin with https://")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// is says whom the provider is for.
func (p Provider) is(whom string) bool { return slices.Contains(p.For, whom) }

// LogValue leaves the secret out.
func (p Provider) String() string { return "provider " + p.ID }

// FormTargets are the origins that forms may lead to by redirects, for
// web.Config.FormTargets: a sign-out goes on to the provider's.
func FormTargets(providers []Provider) []string {
	var all []string
	add := func(origin string) {
		if !slices.Contains(all, origin) {
			all = append(all, origin)
		}
	}
	for _, p := range providers {
		if u, err := url.Parse(p.Issuer); err == nil {
			add(u.Scheme + "://" + u.Host)
		}
		for _, t := range p.FormTargets {
			add(t)
		}
	}
	return all
}
