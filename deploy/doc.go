// Package deploy holds what an operator puts in place: images, compose,
// Kubernetes, systemd, Caddy, NATS, alerts. README.md says what each file is;
// the tests check each with its own tool, or with the tool's own parser.
package deploy
