// Package auth knows who asks. It holds the sessions (a signed token in a cookie
// or a Bearer header, and a session document that every request reads), the
// register of staff, invitations to it, the access log, the answers of a form
// whose session ended while it was filled in, and the demo's personas.
//
// The token says which session it is and nothing about what the person may do:
// role and name come from the session document and the register of staff, which
// a node keeps for at most five seconds. So a sign-out, a changed role and a
// lost right bite at once on the node where they happen, and within five seconds
// on all others, for open sockets too.
//
// Who one is is proved by a provider (package oidc), by a link where none is
// trusted with staff, or by the demo's personas. A proven identity belongs to one
// member of staff, and a link then ties it instead of opening the account.
package auth
