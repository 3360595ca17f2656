// Package sender is for those who recommend a person to a Hälsocenter: the nurse at
// a vårdcentral and the leader of an association. They recommend, follow their own,
// call them back and mend how the person is reached, on pages and as JSON. Package
// fhir is the same service in another language.
package sender
