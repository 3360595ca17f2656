package oidctest

import (
	"context"
	"errors"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"halsocoach"
)

// What the provider of the library asks its storage for.

var errUnknown = errors.New("oidctest: unknown")

// CreateAuthRequest keeps a sign-in that begins.
func (p *Provider) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := &request{AuthRequest: r, id: halsocoach.NewID()}
	p.requests[q.id] = q
	return q, nil
}

// AuthRequestByID finds it.
func (p *Provider) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if q, ok := p.requests[id]; ok {
		return q, nil
	}
	return nil, errUnknown
}

// AuthRequestByCode finds it by its code, which works once.
func (p *Provider) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	p.mu.Lock()
	id := p.codes[code]
	p.mu.Unlock()
	return p.AuthRequestByID(ctx, id)
}

// SaveAuthCode keeps the code of a sign-in.
func (p *Provider) SaveAuthCode(_ context.Context, id, code string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = id
	return nil
}

// DeleteAuthRequest forgets a sign-in whose tokens have been given.
func (p *Provider) DeleteAuthRequest(_ context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.requests, id)
	return nil
}

// CreateAccessToken remembers whose the token is.
func (p *Provider) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := halsocoach.NewID()
	p.tokens[id] = r.GetSubject()
	return id, time.Now().Add(5 * time.Minute), nil
}

// CreateAccessAndRefreshTokens: this provider gives no refresh tokens.
func (p *Provider) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, errUnknown
}

// TokenRequestByRefreshToken has none.
func (p *Provider) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, errUnknown
}

// TerminateSession remembers who signed out.
func (p *Provider) TerminateSession(_ context.Context, _, client string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = append(p.left, client)
	return nil
}

// RevokeToken has nothing to do.
func (p *Provider) RevokeToken(context.Context, string, string, string) *oidc.Error { return nil }

// GetRefreshTokenInfo has none.
func (p *Provider) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

// SigningKey is the newest.
func (p *Provider) SigningKey(context.Context) (op.SigningKey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[0], nil
}

// SignatureAlgorithms is one.
func (p *Provider) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

// KeySet is what is published.
func (p *Provider) KeySet(context.Context) ([]op.Key, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []op.Key
	for _, k := range p.keys {
		all = append(all, published{k})
	}
	return all, nil
}

// GetClientByClientID knows one.
func (p *Provider) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != p.Client {
		return nil, errUnknown
	}
	return client{p}, nil
}

// AuthorizeClientIDSecret knows its secret.
func (p *Provider) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != p.Client || secret != p.Secret {
		return errUnknown
	}
	return nil
}

// SetUserinfoFromScopes is the library's old way.
func (p *Provider) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest puts the person's claims in the id token.
func (p *Provider) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, _ []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	info.Subject = r.GetSubject()
	if !p.wrong.UserinfoOnly {
		fill(info, p.person(r.GetSubject()))
	}
	return nil
}

// SetUserinfoFromToken answers userinfo.
func (p *Provider) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, token, _, _ string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	subject, ok := p.tokens[token]
	if !ok {
		return errUnknown
	}
	fill(info, p.person(subject))
	return nil
}

func fill(info *oidc.UserInfo, x Person) {
	info.Subject, info.Name = x.Subject, x.Name
	for name, value := range x.Claims {
		info.AppendClaims(name, value)
	}
}

// SetIntrospectionFromToken is not offered.
func (p *Provider) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnknown
}

// GetPrivateClaimsFromScopes has none.
func (p *Provider) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

// GetKeyByIDAndClientID is not offered.
func (p *Provider) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnknown
}

// ValidateJWTProfileScopes is not offered.
func (p *Provider) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnknown
}

// Health is good.
func (p *Provider) Health(context.Context) error { return nil }
