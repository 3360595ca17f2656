package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	askWithin   = 4 * time.Second  // of one question to a provider; a request has five
	rediscover  = time.Hour        // how long the provider's addresses are trusted
	pauseAfter  = 2 * time.Second  // between two questions to a provider that did not answer
	answerLimit = int64(512 << 10) // bytes of an answer
)

// client is one provider and what is known of it.
type client struct {
	Provider
	http  *http.Client
	clock func() time.Time
	log   *slog.Logger

	asking chan struct{} // held by the one that asks for the addresses

	mu    sync.Mutex
	known *known
	next  time.Time // no question before this
	last  *fault
}

// known is what discovery has told.
type known struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	algs     []string
	leave    string // end_session_endpoint
	userinfo bool
	read     time.Time
}

func newClient(p Provider, clock func() time.Time, log *slog.Logger) *client {
	return &client{
		Provider: p, clock: clock, log: log, asking: make(chan struct{}, 1),
		http: &http.Client{Timeout: askWithin, Transport: limited{http.DefaultTransport}},
	}
}

// limited reads no more of an answer than a provider has reason to send.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, answerLimit), res.Body}
	}
	return res, err
}

// ctx makes the libraries use our client.
func (c *client) ctx(ctx context.Context) context.Context { return oidc.ClientContext(ctx, c.http) }

// discover is what is known of the provider, asked for when it is not known or
// old. A provider that is down and was known is used as it was.
func (c *client) discover(ctx context.Context) (*known, error) {
	if k, err := c.have(); k != nil || err != nil {
		return k, err
	}
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	case <-ctx.Done():
		return nil, errDown.because("waited for another's question")
	}
	if k, err := c.have(); k != nil || err != nil {
		return k, err
	}
	fresh, fault := c.ask(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if fault != nil {
		c.next, c.last = c.clock().Add(pauseAfter), fault
		c.log.Warn("sign-in provider not reached", "provider", c.ID, "fault", fault.Error())
		if c.known != nil {
			return c.known, nil
		}
		return nil, fault
	}
	c.known, c.last = fresh, nil
	return fresh, nil
}

// have is what is known already, or the fault of a moment ago.
func (c *client) have() (*known, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock()
	if c.known != nil && (now.Sub(c.known.read) < rediscover || now.Before(c.next)) {
		return c.known, nil
	}
	if c.last != nil && now.Before(c.next) {
		return nil, c.last
	}
	return nil, nil
}

func (c *client) ask(ctx context.Context) (*known, *fault) {
	ctx, cancel := context.WithTimeout(c.ctx(ctx), askWithin)
	defer cancel()
	p, err := oidc.NewProvider(ctx, c.Issuer)
	if err != nil {
		return nil, c.whyNot(err)
	}
	var more struct {
		Leave string   `json:"end_session_endpoint"`
		JWKS  string   `json:"jwks_uri"`
		Algs  []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, errNonsense.because("the discovery document can not be read")
	}
	if p.Endpoint().AuthURL == "" || p.Endpoint().TokenURL == "" || more.JWKS == "" {
		return nil, errNonsense.because("the discovery document lacks authorization_endpoint, token_endpoint or jwks_uri")
	}
	k := &known{provider: p, leave: more.Leave, userinfo: p.UserInfoEndpoint() != "", read: c.clock()}
	k.verifier = p.VerifierContext(c.ctx(context.Background()), &oidc.Config{
		SkipClientIDCheck: true, SkipIssuerCheck: true, SkipExpiryCheck: true, // verify.go does, with words of its own
	})
	for _, a := range more.Algs {
		if strings.HasPrefix(a, "RS") || strings.HasPrefix(a, "ES") || strings.HasPrefix(a, "PS") || a == "EdDSA" {
			k.algs = append(k.algs, a)
		}
	}
	if len(k.algs) == 0 {
		k.algs = []string{"RS256"}
	}
	return k, nil
}

// whyNot tells a provider that is down from one that answers something else.
func (c *client) whyNot(err error) *fault {
	var other *oidc.IssuerMismatchError
	var syntax *json.SyntaxError
	var network *url.Error
	switch {
	case errors.As(err, &other):
		return errIssuer.because("the discovery document says issuer %q, the configuration %q", other.Discovered, other.Provided)
	case errors.As(err, &network):
		return errDown.because("%v", network.Err)
	case errors.As(err, &syntax), strings.Contains(err.Error(), "decode"), strings.Contains(err.Error(), "Content-Type"):
		return errNonsense.because("the discovery document is not JSON")
	}
	return errDown.because("discovery: %s", why(err))
}

var (
	statusIn = regexp.MustCompile(`^[1-5][0-9][0-9]\b`)
	codeIn   = regexp.MustCompile(`^[a-z_]{1,40}$`)
)

// why is what the log may say of an answer that was not one: its status. The
// answer itself may hold the person.
func why(err error) string {
	var network *url.Error
	if errors.As(err, &network) {
		return network.Err.Error()
	}
	if status := statusIn.FindString(err.Error()); status != "" {
		return "status " + status
	}
	return "the answer can not be read"
}

// codeOf is a fault's code as the protocol writes it; anything else stays out of
// the log.
func codeOf(said string) string {
	if codeIn.MatchString(said) {
		return said
	}
	return "something that is no code"
}

// oauth is the client for the library that exchanges codes.
func (c *client) oauth(k *known, back string) *oauth2.Config {
	return &oauth2.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, Endpoint: k.provider.Endpoint(), RedirectURL: back, Scopes: c.Scopes}
}

// exchange gives the code for tokens.
func (c *client) exchange(ctx context.Context, k *known, back, code, verifier string) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(c.ctx(ctx), askWithin)
	defer cancel()
	token, err := c.oauth(k, back).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err == nil {
		return token, nil
	}
	var said *oauth2.RetrieveError
	var network *url.Error
	switch {
	case errors.As(err, &said) && said.Response != nil && said.Response.StatusCode >= 500:
		return nil, errDown.because("the token endpoint answers %d", said.Response.StatusCode)
	case errors.As(err, &said) && said.ErrorCode == "invalid_client":
		return nil, errRefused.because("the token endpoint does not accept our client id and secret (invalid_client)")
	case errors.As(err, &said) && said.ErrorCode != "":
		return nil, errCode.because("the token endpoint answers %s", codeOf(said.ErrorCode))
	case errors.As(err, &network):
		return nil, errDown.because("%v", network.Err)
	}
	return nil, errNonsense.because("the token endpoint answers what is not JSON")
}
