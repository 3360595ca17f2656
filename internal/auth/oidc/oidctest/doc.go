// Package oidctest is an identity provider for tests: the provider of
// zitadel/oidc, on a port of its own, with people that a test chooses, a small
// page to sign in by, and switches for all that a provider can do wrong. Only
// tests import it.
package oidctest
