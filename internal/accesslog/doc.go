// Package accesslog keeps who among the staff has read or changed what about whom.
// Every package writes a row before its answer leaves, and the citizen reads the
// rows about themselves on the page "Vem har läst om mig", each act said in a
// sentence.
package accesslog
