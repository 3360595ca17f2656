// Package registers holds the places of the service: the kommuner's
// Hälsocenter, and the care centres (vårdcentraler) and associations
// (föreningar) that recommend people to them. The kommun's administrator keeps
// them; the region may help.
//
// Everybody else reads them through halsocoach.Registers, from memory, so that
// it costs nothing on a request's path. Nothing is ever removed: a place that
// closes stays, since documents name it.
package registers
