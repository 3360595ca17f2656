// Package draft keeps the answers of a form whose session ended while it was
// filled in, sealed with a key that only the browser has, for a quarter of an
// hour and for the person whose session it was.
package draft
