// Package fhir is the recommendation's FHIR R4 door, for the journal systems of
// care centres: a ServiceRequest with its Patient and Consent becomes one
// recommendation, and its Task says how it goes. Identifiers and labels are those
// of the Swedish base profiles (http://hl7.se/fhir/ig/base).
//
// The package reads strictly, turns what it has read into a record.NewReferral, and
// writes what the sender may see. Who may do what, and all rules of the
// recommendation, are those of record and of what a sender does.
package fhir
