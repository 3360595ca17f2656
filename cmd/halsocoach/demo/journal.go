package demo

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"halsocoach"
	"halsocoach/internal/auth/machine"
)

// Client is the demo's journal system, at Sävsjö vårdcentral.
const Client = "demo-journal"

// Connect registers the demo's journal system, with a key that lies in the demo's
// folder and is made at the first start.
func (d *Demo) Connect(ctx context.Context, dir string) (path string, err error) {
	path = filepath.Join(dir, "fhir", Client+".pem")
	key, err := journalKey(path)
	if err != nil {
		return path, err
	}
	asked := machine.NewClient{
		Unit: "vardcentral-0684", Name: "Demojournalen", JWKS: machine.JWKS(Client, &key.PublicKey), Scopes: machine.Scopes,
	}
	c, err := d.Machine.Enter(ctx, Client, asked)
	if err == nil && c.JWKS != asked.JWKS && c.Ended == nil { // the folder's key was removed
		_, err = d.Machine.Rekey(ctx, halsocoach.System("demo"), Client, asked.JWKS)
	}
	return path, err
}

// journalKey reads a private key, or makes it.
func journalKey(path string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey(path)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not a key; remove it and start again", path)
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	key, ok := any.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is not an RSA key; remove it and start again", path)
	}
	return key, nil
}

func newKey(path string) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	body, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: body}), 0o600)
}
