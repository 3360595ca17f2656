// Halsocoach is the one binary of Hälsocoach online: the demo, the service and
// the operator's commands, a file each. parts.go lists the parts of the service,
// app.go opens and runs them, and wiring.go ties those that need each other.
package main
