package machine

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
)

// jwk is a key of a JWKS (RFC 7517, 7518, 8037), as far as we take them.
type jwk struct {
	Type  string `json:"kty,omitempty"`
	ID    string `json:"kid,omitempty"`
	Use   string `json:"use,omitempty"`
	Curve string `json:"crv,omitempty"`
	N     string `json:"n,omitempty"`
	E     string `json:"e,omitempty"`
	X     string `json:"x,omitempty"`
	Y     string `json:"y,omitempty"`
	D     string `json:"d,omitempty"`
	K     string `json:"k,omitempty"`
}

// publicKey is a client's, with the algorithm that it is for.
type publicKey struct {
	id, alg string
	key     crypto.PublicKey
}

// keyFault is what is wrong with a set of keys, as the one who pastes them is told.
type keyFault string

func (f keyFault) Error() string { return string(f) }

const (
	errNotJWKS = keyFault("Det här är inte en JWKS. Den ser ut som {\"keys\": […]} och har en till åtta nycklar.")
	errPrivate = keyFault("Det här är en privat nyckel. Klistra bara in den publika, och byt den privata som du nyss visade.")
	errKey     = keyFault("Nyckeln går inte att använda. Den ska vara RSA med minst 2 048 bitar, EC på P-384 eller Ed25519.")
	errNoKid   = keyFault("Varje nyckel behöver ett eget namn i \"kid\".")
)

// algorithms are those that an assertion may be signed with. None and HS* are
// not among them, and never a weaker RSA.
var algorithms = []string{"RS384", "ES384", "EdDSA"}

// parseKeys reads a JWKS. Each key has an id of its own.
func parseKeys(text string) ([]publicKey, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if len(text) > jwksLimit || json.Unmarshal([]byte(text), &set) != nil || len(set.Keys) == 0 || len(set.Keys) > keysLimit {
		return nil, errNotJWKS
	}
	seen := map[string]bool{}
	var out []publicKey
	for _, k := range set.Keys {
		if k.D != "" || k.K != "" {
			return nil, errPrivate
		}
		if k.ID == "" || len(k.ID) > 200 || seen[k.ID] {
			return nil, errNoKid
		}
		seen[k.ID] = true
		alg, key := k.read()
		if key == nil || k.Use != "" && k.Use != "sig" {
			return nil, errKey
		}
		out = append(out, publicKey{k.ID, alg, key})
	}
	return out, nil
}

// read is the key and its algorithm, nil when it is not one that we take.
func (k jwk) read() (alg string, key crypto.PublicKey) {
	switch {
	case k.Type == "RSA":
		if key := k.rsa(); key != nil {
			return "RS384", key
		}
	case k.Type == "EC" && k.Curve == "P-384":
		x, y := number(k.X), number(k.Y)
		if len(x) != 48 || len(y) != 48 {
			return "", nil
		}
		point := append(append([]byte{4}, x...), y...) // 4: both coordinates follow
		if key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), point); err == nil {
			return "ES384", key
		}
	case k.Type == "OKP" && k.Curve == "Ed25519":
		if x := number(k.X); len(x) == ed25519.PublicKeySize {
			return "EdDSA", ed25519.PublicKey(x)
		}
	}
	return "", nil
}

func (k jwk) rsa() *rsa.PublicKey {
	n, e := new(big.Int).SetBytes(number(k.N)), new(big.Int).SetBytes(number(k.E))
	if n.BitLen() < 2048 || n.BitLen() > 8192 || n.Bit(0) == 0 || e.BitLen() > 31 || e.Int64() < 3 || e.Bit(0) == 0 {
		return nil
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}
}

// number is what base64url holds, with or without padding.
func number(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return nil
	}
	return b
}

// JWKS is the set of one RSA key, as a client would give it.
func JWKS(kid string, key *rsa.PublicKey) string {
	n := base64.RawURLEncoding.EncodeToString(key.N.Bytes())
	e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())
	body, _ := json.Marshal(map[string][]jwk{"keys": {{Type: "RSA", ID: kid, Use: "sig", N: n, E: e}}})
	return string(body)
}
