// Package staff is the register of those who work here: their role and their place,
// the links by which a colleague is invited or let in again, and the pages on which
// an administrator sees to both.
//
// The register is kept in memory on every node. A change bites at once where it is
// made, and within five seconds on the others. By what somebody signs in is the
// business of package auth, which reads the register at each request.
package staff
