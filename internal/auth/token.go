package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"halsocoach"
	"halsocoach/internal/auth/signing"
)

// claims say which session the token belongs to, and whose it is. What the
// person may do is not in it.
type claims struct {
	Session string `json:"sid"`
	jwt.RegisteredClaims
}

const (
	issuer   = "halsocoach"
	audience = "session"
	// longest bounds what is parsed at all; ours are about 350 bytes.
	longest = 1024
)

var errKey = errors.New("auth: the token's key is not known")

// tokens signs and verifies. What has been verified once is remembered by its
// hash, since a signature costs more than the rest of a request.
type tokens struct {
	keys  *signing.Ring
	clock halsocoach.Clock

	mu   sync.RWMutex
	seen map[[32]byte]verified
}

// verified is what is kept of a token.
type verified struct {
	session, person string
	ends            time.Time
	kid             string
}

// remembered bounds the memory of verified tokens.
const remembered = 1 << 16

func newTokens(keys *signing.Ring, clock halsocoach.Clock) *tokens {
	return &tokens{keys: keys, clock: clock, seen: map[[32]byte]verified{}}
}

func (t *tokens) sign(session, subject string, now, ends time.Time) (string, error) {
	kid, key := t.keys.Signer()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{session, jwt.RegisteredClaims{
		Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: subject,
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(ends),
	}})
	token.Header["kid"] = kid
	signed, err := token.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("sign a session token: %w", err)
	}
	return signed, nil
}

// verify is whose session the token belongs to if we signed it and it has not
// ended.
func (t *tokens) verify(token string) (verified, bool) {
	if token == "" || len(token) > longest {
		return verified{}, false
	}
	hash := sha256.Sum256([]byte(token))
	t.mu.RLock()
	v, ok := t.seen[hash]
	t.mu.RUnlock()
	if ok {
		return v, t.keys.Has(v.kid) && t.clock().Before(v.ends)
	}
	c, kid, err := t.parse(token, jwt.WithTimeFunc(t.clock), jwt.WithExpirationRequired(), jwt.WithIssuer(issuer), jwt.WithAudience(audience))
	if err != nil || c.Session == "" || c.Subject == "" {
		return verified{}, false
	}
	v = verified{c.Session, c.Subject, c.ExpiresAt.Time, kid}
	t.mu.Lock()
	defer t.mu.Unlock()
	for old := range t.seen {
		if len(t.seen) < remembered {
			break
		}
		delete(t.seen, old)
	}
	t.seen[hash] = v
	return v, true
}

// owner is whose token it is or was, ended or not, "" for one that is not ours.
// It says who may see the answers of an interrupted form, nothing more.
func (t *tokens) owner(token string) string {
	if token == "" || len(token) > longest {
		return ""
	}
	c, _, err := t.parse(token, jwt.WithoutClaimsValidation())
	if err != nil || c.Issuer != issuer || len(c.Audience) != 1 || c.Audience[0] != audience {
		return ""
	}
	return c.Subject
}

func (t *tokens) parse(token string, options ...jwt.ParserOption) (c claims, kid string, err error) {
	options = append(options, jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}))
	_, err = jwt.NewParser(options...).ParseWithClaims(token, &c, func(token *jwt.Token) (any, error) {
		kid, _ = token.Header["kid"].(string)
		if key, ok := t.keys.Public(kid); ok {
			return key, nil
		}
		return nil, errKey
	})
	return c, kid, err
}

// MachineLasts is how long a machine's token may be used.
const MachineLasts = 5 * time.Minute

var errScope = halsocoach.Forbidden("Åtkomstnyckeln gäller inte för det här.")

// Machines is asked at each request which account a client acts for; false when
// the client has been ended. Set it before the first request.
func (s *Service) Machines(find func(client string) (halsocoach.Actor, bool)) { s.machines = find }

// machine is who a machine's session is now.
func (s *Service) machine(d session) (halsocoach.Actor, error) {
	if s.machines == nil {
		return halsocoach.Actor{}, halsocoach.ErrSignIn
	}
	who, ok := s.machines(d.Machine)
	if !ok {
		return halsocoach.Actor{}, halsocoach.ErrSignIn
	}
	who.Session, who.Scope = d.ID, d.Scope
	return who, nil
}

// mayGo says whether somebody's token opens the path at all. Machines have the
// FHIR door, which looks at the scope itself, and recommendations as JSON.
func mayGo(who halsocoach.Actor, method, path string) bool {
	const referrals = "/api/v1/referrals"
	switch {
	case who.Scope == "", path == "/fhir", strings.HasPrefix(path, "/fhir/"):
		return true
	case method == "POST" && path == referrals:
		return who.Granted("ServiceRequest", 'c')
	case path != referrals && !strings.HasPrefix(path, referrals+"/"):
		return false
	case method == "GET" || method == "HEAD":
		return who.Granted("ServiceRequest", 'r') && who.Granted("Task", 'r')
	}
	return who.Granted("Task", 'u')
}
