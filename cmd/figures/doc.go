// Figures measures what README says of speed and memory, and writes it there. It
// starts the built program as anybody would, sends it requests, and reads processor
// time and memory of its process from /proc; the rest are benchmarks of the tests.
//
//	make figures                  measures bin/halsocoach and writes README's table
//	make figures BIN=other        measures another binary of the same product, and prints
//	make figures BASE=other       both, in turns, and prints
package main
