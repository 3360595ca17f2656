// Package oidc lets people sign in by OpenID Connect: citizens by a provider
// that fronts BankID and Freja, staff by their kommun's own sign-in or by SITHS.
// Which providers there are, and what their claims are called, is configuration.
//
// The way is the authorization code flow with PKCE, state and nonce. What the
// browser has to bring back lies sealed in a cookie of its own for ten minutes;
// each flow ends once, on whichever node. Keys and addresses of a provider are
// asked for when somebody signs in and not at the start, so that a provider that
// is down stops nobody but those who come by it.
//
// Package auth decides who comes in by what was proved: see auth.Service.Admit.
package oidc
