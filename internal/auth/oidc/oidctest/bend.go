package oidctest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"halsocoach"
)

// bend passes an answer of the library on, with the id token in it signed anew:
// with the provider's own idea of the time, a session id, and what is wrong.
// Without a token it bends the discovery document.
func (p *Provider) bend(w http.ResponseWriter, r *http.Request, token string) {
	rec := httptest.NewRecorder()
	p.handler.ServeHTTP(rec, r)
	p.mu.Lock()
	discovery := p.wrong.Discovery
	p.mu.Unlock()
	body := map[string]any{}
	if json.Unmarshal(rec.Body.Bytes(), &body) == nil && rec.Code == http.StatusOK {
		if raw, ok := body[token].(string); ok {
			body[token] = p.resign(raw)
		} else if token == "" {
			discovery(body)
		}
		bent, _ := json.Marshal(body)
		rec.Body = bytes.NewBuffer(bent)
	}
	maps.Copy(w.Header(), rec.Header())
	w.Header().Del("Content-Length")
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func (p *Provider) resign(raw string) string {
	claims := map[string]any{}
	parts := strings.Split(raw, ".")
	body, _ := base64.RawURLEncoding.DecodeString(parts[1])
	_ = json.Unmarshal(body, &claims)
	ahead := int64(time.Until(p.Now()) / time.Second)
	for _, name := range []string{"iat", "exp", "auth_time", "nbf"} {
		if at, ok := claims[name].(float64); ok {
			claims[name] = int64(at) + ahead
		}
	}
	claims["sid"] = halsocoach.IDFrom("sid", claims["sub"].(string))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrong.Claims != nil {
		p.wrong.Claims(claims)
	}
	p.last = p.sign(claims)
	return p.last
}

// sign as the provider is told to; the lock is held.
func (p *Provider) sign(claims map[string]any) string {
	k := p.keys[0]
	body, _ := json.Marshal(claims)
	if p.wrong.Unsigned {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
	}
	if p.wrong.ForeignKey || p.wrong.OtherKey {
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		other := &key{"foreign", private}
		if p.wrong.OtherKey {
			other.id = k.id
		}
		k = other
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: k.private, KeyID: k.id}}, nil)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		panic(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return compact
}

// LogoutToken is what the provider would send to the back channel when a person
// has signed out there. change may bend it.
func (p *Provider) LogoutToken(subject string, change func(map[string]any)) string {
	claims := map[string]any{
		"iss": p.URL, "aud": p.Client, "iat": p.Now().Unix(), "exp": p.Now().Add(time.Minute).Unix(), "jti": halsocoach.NewID(),
		"sub": subject, "sid": halsocoach.IDFrom("sid", subject),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if change != nil {
		change(claims)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sign(claims)
}
