// Package settings holds what each kommun, and for some things each centre, has
// decided: how soon people are contacted, how long talks are, who is served and
// what is shown in public numbers. One document per kommun and per centre; every
// value has the day from which it holds, who wrote it and the decision behind
// it, and the values before it are kept.
//
// Where nobody has decided, halsocoach.DefaultTerms stand. What the agreements
// leave open is a setting too, and its page says that it is an open question.
// Other packages read through halsocoach.Settings, from memory.
package settings
