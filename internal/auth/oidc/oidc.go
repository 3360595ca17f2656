package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"halsocoach"
	"halsocoach/internal/auth"
	"halsocoach/internal/seal"
)

// Config lists what the service needs.
type Config struct {
	Providers []Provider
	Auth      *auth.Service
	Seal      *seal.Sealer
	Clock     halsocoach.Clock
	Log       *slog.Logger
	PublicURL string
}

// Service is the sign-in by providers.
type Service struct {
	cfg     Config
	clients []*client
	sealed  seal.Tokens
}

// New makes the service and gives it to auth, which then shows its doors. It
// asks the providers nothing.
func New(cfg Config) *Service {
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	s := &Service{cfg: cfg, sealed: cfg.Seal.Token("oidc.flow")}
	for _, p := range cfg.Providers {
		s.clients = append(s.clients, newClient(p, cfg.Clock, cfg.Log))
	}
	cfg.Auth.Trust(s)
	return s
}

// Doors are the providers as pages show them. With Leave it satisfies auth.Ways.
func (s *Service) Doors() []auth.Door {
	all := make([]auth.Door, len(s.clients))
	for i, c := range s.clients {
		all[i] = auth.Door{ID: c.ID, Title: c.Title, Citizens: c.is(ForCitizens), Staff: c.is(ForStaff)}
	}
	return all
}

// Leave is the provider's own sign-out, which leads back to us. The provider gets
// no id token as a hint, since we keep none: it would hold the personnummer.
func (s *Service) Leave(ctx context.Context, provider string) string {
	c := s.client(provider)
	if c == nil || c.StayAtProvider {
		return ""
	}
	k, err := c.discover(ctx)
	if err != nil || k.leave == "" {
		return ""
	}
	u, err := url.Parse(k.leave)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", c.ClientID)
	q.Set("post_logout_redirect_uri", s.cfg.PublicURL+"/utloggad")
	u.RawQuery = q.Encode()
	return u.String()
}

func (s *Service) client(id string) *client {
	for _, c := range s.clients {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// flow is one sign-in under way. It lies sealed in a cookie of the browser.
type flow struct {
	Provider string    `json:"p"`
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"` // of PKCE
	Next     string    `json:"x,omitempty"`
	Staff    bool      `json:"w,omitempty"`
	Anew     bool      `json:"a,omitempty"` // a fresh sign-in was asked for
	Stepped  bool      `json:"u,omitempty"` // a stronger sign-in was asked for
	Began    time.Time `json:"b"`
}

// flowLasts is how long a person may take at the provider.
const flowLasts = 10 * time.Minute

func secret() string {
	var b [24]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// nextLimit keeps the cookie small.
const nextLimit = 1500

func (s *Service) newFlow(provider string, staff, anew bool, next string) flow {
	if len(next) > nextLimit {
		next = ""
	}
	return flow{
		Provider: provider, State: secret(), Nonce: secret(), Verifier: oauth2.GenerateVerifier(), Next: next,
		Staff: staff, Anew: anew, Began: s.cfg.Clock().UTC(),
	}
}

func (s *Service) back(provider string) string {
	return s.cfg.PublicURL + "/logga-in/svar/" + provider
}

// levels are what the provider is asked for and held to.
func (c *client) levels(staff bool) (acr, amr []string) {
	if staff {
		return c.ACR, c.AMR
	}
	return c.CitizenACR, nil
}

// begin is where the browser goes to sign in.
func (s *Service) begin(ctx context.Context, c *client, f flow, language string) (string, error) {
	k, err := c.discover(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier), oauth2.SetAuthURLParam("ui_locales", language),
	}
	if acr, _ := c.levels(f.Staff); len(acr) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(acr, " ")))
	}
	if f.Anew || f.Stepped {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return c.oauth(k, s.back(c.ID)).AuthCodeURL(f.State, options...), nil
}

func (s *Service) close(f flow) (string, error) {
	plain, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	return s.sealed.Encrypt(plain), nil
}

// open reads the flow that the browser brings back, if it is this provider's and
// this state's.
func (s *Service) open(cookie, provider, state string) (flow, error) {
	var f flow
	plain, err := s.sealed.Decrypt(cookie)
	if cookie == "" || err != nil || json.Unmarshal(plain, &f) != nil {
		return flow{}, errLost.because("no cookie of ours")
	}
	switch age := s.cfg.Clock().Sub(f.Began); {
	case age < -skew || age > flowLasts:
		return flow{}, errLost.because("it began %s ago", age.Round(time.Second))
	case f.Provider != provider:
		return flow{}, errLost.because("it began at another provider")
	case state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(f.State)) != 1:
		return flow{}, errLost.because("its state is another")
	}
	return f, nil
}

// answer is what the provider sends the browser back with.
type answer struct{ code, state, fault, issuer string }

// prove follows a flow to its end: what the provider proves. It can be done once.
func (s *Service) prove(ctx context.Context, c *client, f flow, a answer) (auth.Proof, error) {
	err := s.cfg.Auth.Once(ctx, halsocoach.IDFrom("oidc.flow", f.State), f.Began.Add(flowLasts+skew))
	switch {
	case errors.Is(err, auth.ErrAgain):
		return auth.Proof{}, errAgain.because("the same answer came before")
	case err != nil:
		return auth.Proof{}, err
	case a.fault == "access_denied":
		return auth.Proof{}, errCancelled.because("access_denied")
	case a.fault != "":
		return auth.Proof{}, errRefused.because("the provider says %s", codeOf(a.fault))
	case a.issuer != "" && a.issuer != c.Issuer:
		return auth.Proof{}, errIssuer.because("the answer says issuer %.100q", a.issuer)
	case a.code == "":
		return auth.Proof{}, errCode.because("no code")
	}
	k, err := c.discover(ctx)
	if err != nil {
		return auth.Proof{}, err
	}
	tokens, err := c.exchange(ctx, k, s.back(c.ID), a.code, f.Verifier)
	if err != nil {
		return auth.Proof{}, err
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" {
		return auth.Proof{}, errToken.because("the token endpoint gave no id_token")
	}
	t, err := c.verify(ctx, k, raw, f)
	if err != nil {
		return auth.Proof{}, err
	}
	if acr, amr := c.levels(f.Staff); !strong(t, c.Claims.ACR, acr, amr) {
		return auth.Proof{}, errWeak.because("its %s and amr are none of those that are asked for", c.Claims.ACR)
	}
	if err := c.claimed(ctx, k, &t, tokens, c.needed(f.Staff)); err != nil {
		return auth.Proof{}, err
	}
	return s.proof(ctx, c, t, f.Staff)
}

// needed are the claims without which userinfo is asked.
func (c *client) needed(staff bool) []string {
	if staff {
		return []string{c.Claims.HSAID, c.Claims.Name, c.Claims.Personnummer}
	}
	return []string{c.Claims.Personnummer, c.Claims.Name, c.Claims.Protected, c.Claims.Kommun}
}

// proof maps the claims by the configuration's names.
func (s *Service) proof(ctx context.Context, c *client, t token, staff bool) (auth.Proof, error) {
	p := auth.Proof{Provider: c.ID, Name: nameOf(t.claims, c.Claims.Name), Bonds: s.bonds(c, t.Session, t.Subject)}
	if staff {
		identity, err := s.identity(ctx, c, t)
		kind, _, _ := strings.Cut(identity, ":")
		p.Identity, p.Issuer, p.Speaks = identity, c.Issuer, slices.Contains(c.SpeaksFor, kind)
		return p, err
	}
	var err error
	if p.Number, err = s.number(c, t); err != nil {
		return p, err
	}
	p.Protected = c.Claims.Protected != "" && said(t.claims, c.Claims.Protected)
	if k, ok := halsocoach.KommunByCode(text(t.claims, c.Claims.Kommun)); ok {
		p.Kommun = k.Code
	}
	return p, nil
}

// number is the identity number in the claim that the configuration names.
func (s *Service) number(c *client, t token) (halsocoach.Number, error) {
	number := word(t.claims, c.Claims.Personnummer)
	if number == "" {
		return halsocoach.Number{}, errMissing.because("claim %q", c.Claims.Personnummer)
	}
	n, err := halsocoach.ParseNumber(number, s.cfg.Clock())
	if err != nil {
		return n, errNumber.because("claim %q", c.Claims.Personnummer)
	}
	return n, nil
}

// identity is how the register of staff knows somebody: by HSA-id where the
// provider says it, else by personnummer where the configuration names its claim,
// else by issuer and subject.
func (s *Service) identity(ctx context.Context, c *client, t token) (string, error) {
	if name := c.Claims.HSAID; name != "" {
		id := word(t.claims, name)
		if id == "" {
			return "", errMissing.because("claim %q", name)
		}
		return auth.HSAIdentity(id), nil
	}
	if c.Claims.Personnummer != "" {
		n, err := s.number(c, t)
		if err != nil {
			return "", err
		}
		return s.cfg.Auth.PersonIdentity(ctx, n)
	}
	subject := t.Subject
	if n, err := halsocoach.ParseNumber(subject, s.cfg.Clock()); err == nil { // a hash of a number could be guessed
		if subject, err = s.cfg.Auth.PersonIdentity(ctx, n); err != nil {
			return "", err
		}
	}
	return auth.SubjectIdentity(c.Issuer, subject), nil
}

// bonds are by what the provider may end the session. A subject that is a
// personnummer leaves none: its hash could be guessed.
func (s *Service) bonds(c *client, session, subject string) (all []string) {
	if session != "" {
		all = append(all, halsocoach.IDFrom("oidc.sid", c.Issuer, session))
	}
	if _, err := halsocoach.ParseNumber(subject, s.cfg.Clock()); err != nil && subject != "" {
		all = append(all, halsocoach.IDFrom("oidc.sub", c.Issuer, subject))
	}
	return all
}

const nameLimit = 80

// nameOf is the name, or given and family name, without what nobody is called.
func nameOf(claims map[string]any, claim string) string {
	name := text(claims, claim)
	if name == "" {
		name = text(claims, "given_name") + " " + text(claims, "family_name")
	}
	name = strings.Join(strings.Fields(halsocoach.Plain(name)), " ")
	if utf8.RuneCountInString(name) > nameLimit {
		name = string([]rune(name)[:nameLimit])
	}
	return name
}

// ended follows a provider's word that a session has ended, sent from its server
// to ours.
func (s *Service) ended(ctx context.Context, c *client, raw string) error {
	k, err := c.discover(ctx)
	if err != nil {
		return err
	}
	t, err := k.verifier.VerifyLogout(c.ctx(ctx), raw)
	if err != nil {
		return errToken.because("logout token not accepted")
	}
	now := s.cfg.Clock()
	switch {
	case t.Issuer != c.Issuer:
		return errIssuer.because("a logout token of another issuer")
	case !slices.Contains(t.Audience, c.ClientID):
		return errAudience.because("a logout token for another client id")
	case t.IssuedAt.After(now.Add(skew)), now.Sub(t.IssuedAt) > flowLasts:
		return errExpired.because("a logout token of another time")
	}
	subject := t.Subject
	if t.SessionID != "" {
		subject = "" // this session, not all of the person's
	}
	for _, bond := range s.bonds(c, t.SessionID, subject) {
		n, err := s.cfg.Auth.EndBond(ctx, bond)
		if err != nil {
			return err
		}
		s.cfg.Log.Info("sessions ended by the provider", "provider", c.ID, "sessions", n)
	}
	return nil
}
