// Halsocoach is the one binary of Hälsocoach online: the demo, the service and
// the operator's commands. house.go ties the packages together; everything else
// here is a command or what the demo is made of.
package main
