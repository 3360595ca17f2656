package machine

import (
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"halsocoach/internal/auth"
)

// Fault is why no token is given, in the words of RFC 6749.
type Fault struct {
	Status      int    `json:"-"`
	Code        string `json:"error"`
	Description string `json:"error_description"`
	cause       error
}

func (f *Fault) Error() string { return f.Code + ": " + f.Description }
func (f *Fault) Unwrap() error { return f.cause }

// badRequest and badClient are two of them. The descriptions are for who writes
// the client, in plain ASCII as the RFC asks.
func badRequest(what string) *Fault {
	return &Fault{Status: 400, Code: "invalid_request", Description: what}
}

func badClient(what string, cause error) *Fault {
	return &Fault{Status: 401, Code: "invalid_client", Description: what, cause: cause}
}

const (
	assertionLimit = 8 << 10
	jtiLimit       = 255
	// skew is how far ahead of ours a client's clock may be.
	skew = 10 * time.Second
)

// assertion is what a client has signed, once it has been verified.
type assertion struct {
	client Client
	jti    string
	ends   time.Time
}

// verify is the assertion behind the signed text, for the token endpoint at aud.
func verify(text, aud string, now time.Time, find func(id string) (Client, bool)) (a assertion, err error) {
	if text == "" || len(text) > assertionLimit {
		return a, badRequest("client_assertion is missing or too long")
	}
	var c jwt.RegisteredClaims
	parser := jwt.NewParser(jwt.WithValidMethods(algorithms), jwt.WithStrictDecoding(), jwt.WithExpirationRequired(), jwt.WithAudience(aud),
		jwt.WithTimeFunc(func() time.Time { return now }))
	_, err = parser.ParseWithClaims(text, &c, func(t *jwt.Token) (any, error) {
		var ok bool
		if a.client, ok = find(c.Issuer); !ok || a.client.Ended != nil {
			return nil, errClient
		}
		return a.client.key(t)
	})
	switch {
	case errors.Is(err, errClient):
		return a, badClient("the client in iss is not registered, or has been ended", err)
	case errors.Is(err, errKey):
		return a, badClient("the key in kid is not one of the client's, or not for the algorithm", err)
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return a, badClient("aud is not the address of the token endpoint", err)
	case errors.Is(err, jwt.ErrTokenExpired):
		return a, badClient("the assertion has expired", err)
	case errors.Is(err, jwt.ErrTokenMalformed):
		return a, badClient("client_assertion is not a signed JWT", err)
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return a, badClient("the signature is wrong, or alg is not RS384, ES384 or EdDSA", err)
	case err != nil:
		return a, badClient("a claim is missing or not valid yet", err)
	case c.Subject != c.Issuer:
		return a, badClient("iss and sub are to be the client's id, both", nil)
	case c.ID == "" || len(c.ID) > jtiLimit:
		return a, badClient("jti is missing or longer than 255", nil)
	case c.ExpiresAt.After(now.Add(auth.MachineLasts + skew)):
		return a, badClient("exp is more than five minutes ahead", nil)
	case c.IssuedAt != nil && c.IssuedAt.After(now.Add(skew)):
		return a, badClient("iat lies in the future", nil)
	}
	a.jti, a.ends = c.ID, c.ExpiresAt.Time
	return a, nil
}

var errClient = errors.New("machine: the client is not known")

// key is the one that a token says it is signed with.
func (c Client) key(t *jwt.Token) (any, error) {
	keys, err := parseKeys(c.JWKS)
	if err != nil {
		return nil, errKey
	}
	kid, _ := t.Header["kid"].(string)
	i := slices.IndexFunc(keys, func(k publicKey) bool { return k.id == kid && k.alg == t.Method.Alg() })
	if i < 0 {
		return nil, errKey
	}
	return keys[i].key, nil
}
