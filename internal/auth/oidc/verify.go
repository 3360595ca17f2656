package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// skew is how far the provider's clock and ours may differ.
const skew = 2 * time.Minute

// token is what is read of an ID token.
type token struct {
	Issuer     string   `json:"iss"`
	Subject    string   `json:"sub"`
	Audience   audience `json:"aud"`
	Authorized string   `json:"azp"`
	Expires    seconds  `json:"exp"`
	Issued     seconds  `json:"iat"`
	NotBefore  seconds  `json:"nbf"`
	Nonce      string   `json:"nonce"`
	SignedIn   seconds  `json:"auth_time"`
	Methods    audience `json:"amr"`
	Session    string   `json:"sid"`
	claims     map[string]any
}

// audience is one text or a list.
type audience []string

// UnmarshalJSON takes both.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// seconds is a time as tokens write it; some with decimals.
type seconds float64

func (s seconds) time() time.Time { return time.Unix(int64(s), 0) }

// algOf reads which algorithm a token says it is signed by.
func algOf(raw string) (string, error) {
	head, _, ok := strings.Cut(raw, ".")
	body, err := base64.RawURLEncoding.DecodeString(head)
	var h struct{ Alg string }
	if !ok || err != nil || json.Unmarshal(body, &h) != nil || h.Alg == "" {
		return "", errToken.because("it is not a signed token")
	}
	return h.Alg, nil
}

// verify reads an ID token: signature, issuer, audience, times, and that it was
// made for this flow.
func (c *client) verify(ctx context.Context, k *known, raw string, f flow) (token, error) {
	var t token
	alg, err := algOf(raw)
	if err != nil {
		return t, err
	}
	if !slices.Contains(k.algs, alg) {
		return t, errUnsigned.because("it is signed by %.20q", alg)
	}
	signed, err := k.verifier.Verify(c.ctx(ctx), raw)
	switch {
	case err != nil && strings.Contains(err.Error(), "fetching keys"):
		return t, errDown.because("its keys can not be fetched")
	case err != nil && strings.Contains(err.Error(), "verify"):
		return t, errKey.because("no key of the provider's fits it")
	case err != nil:
		return t, errToken.because("it can not be read")
	}
	if signed.Claims(&t) != nil || signed.Claims(&t.claims) != nil {
		return t, errToken.because("its claims can not be read")
	}
	return t, c.judge(t, f, c.clock())
}

// judge is everything about a signed token that can be wrong.
func (c *client) judge(t token, f flow, now time.Time) error {
	switch {
	case t.Issuer != c.Issuer:
		return errIssuer.because("the token says issuer %.100q", t.Issuer)
	case !slices.Contains(t.Audience, c.ClientID),
		len(t.Audience) > 1 && t.Authorized == "",
		t.Authorized != "" && t.Authorized != c.ClientID:
		return errAudience.because("it is not for our client id")
	case t.Subject == "" || t.Expires == 0:
		return errMissing.because("sub or exp")
	case now.After(t.Expires.time().Add(skew)):
		return errExpired.because("it ended %s ago", now.Sub(t.Expires.time()).Round(time.Second))
	case t.Issued.time().After(now.Add(skew)), t.NotBefore.time().After(now.Add(skew)):
		return errExpired.because("it is from the future: the provider's clock or ours is wrong")
	case t.Nonce == "" || t.Nonce != f.Nonce:
		return errReplayed.because("its nonce is not this flow's")
	case f.Anew && t.SignedIn != 0 && t.SignedIn.time().Before(f.Began.Add(-skew)):
		return errWeak.because("a fresh sign-in was asked for, the provider gave an old one")
	}
	return nil
}

// claimed completes the token's claims from the provider's userinfo when one
// that we need is not in it.
func (c *client) claimed(ctx context.Context, k *known, t *token, access *oauth2.Token, need []string) error {
	lacks := slices.ContainsFunc(need, func(name string) bool { return name != "" && text(t.claims, name) == "" })
	if !lacks || !k.userinfo || access.AccessToken == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx(ctx), askWithin)
	defer cancel()
	info, err := k.provider.UserInfo(ctx, oauth2.StaticTokenSource(access))
	if err != nil {
		return errDown.because("userinfo: %s", why(err))
	}
	if info.Subject != t.Subject {
		return errReplayed.because("userinfo is about somebody else than the token")
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil {
		return errNonsense.because("userinfo is not JSON")
	}
	for name, value := range more {
		if have := t.claims[name]; have == nil || have == "" {
			t.claims[name] = value
		}
	}
	return nil
}

// text is a claim as text; of a list the first.
func text(claims map[string]any, name string) string {
	switch v := claims[name].(type) {
	case string:
		return strings.TrimSpace(v)
	case []any:
		if len(v) > 0 {
			if s, ok := v[0].(string); ok {
				return strings.TrimSpace(s)
			}
		}
	case float64:
		return fmt.Sprintf("%.0f", v)
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

// word is a claim that says who somebody is: a text and nothing else.
func word(claims map[string]any, name string) string {
	s, _ := claims[name].(string)
	return strings.TrimSpace(s)
}

// said is whether a claim says yes. Anything that is not a clear no is yes: who
// is protected must not become unprotected by a word or a shape we do not know.
func said(claims map[string]any, name string) bool {
	switch v := claims[name].(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return !slices.Contains([]string{"", "false", "0", "no", "nej", "n"}, strings.ToLower(strings.TrimSpace(v)))
	}
	return true
}

// strong says whether the sign-in is as strong as was asked for.
func strong(t token, acrClaim string, acr, amr []string) bool {
	if len(acr) == 0 && len(amr) == 0 {
		return true
	}
	return slices.Contains(acr, text(t.claims, acrClaim)) || slices.ContainsFunc(t.Methods, func(m string) bool { return slices.Contains(amr, m) })
}
