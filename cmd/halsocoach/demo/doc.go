// Package demo holds the made-up people of the command demo and lives through their
// past: day by day, through the same services as a person would, so that the demo
// holds nothing that the program could not have made.
//
// people.go says who there is, life.go what becomes of a person, scenes.go leads
// recommendations into every state that a coach or a sender can meet, past.go goes
// through the days, fill.go begins it all, and carries the programme on at each
// start.
package demo
