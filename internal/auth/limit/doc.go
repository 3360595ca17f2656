// Package limit counts failed sign-ins per address, so that guessing is slow.
// What it holds is bounded, in memory, and of its node only.
package limit
