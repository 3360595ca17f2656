// Package family is the room of the coordinator of the county's family centres
// (familjecentraler, for families with children 0–6; agreement 004). So far it is
// a start page: what the service holds for a coordinator now, whom to reach in
// each kommun, and what it does not hold. Family centres are not in the registers
// and have no yearly follow-up here; the page says so. A coordinator never reads
// anything about a person, and the counts belong to the kommuner and the region.
package family
