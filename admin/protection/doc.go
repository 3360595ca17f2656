// Package protection is the region's page where protected identity is lifted:
// somebody at the region has a decision, writes whom it is about and what it rests
// on, and the person stands everywhere with their name again. The answer is the
// same whoever the number belongs to, so that the page tells nobody who is known
// here or was protected. Package person keeps the protection and writes the row of
// the access log.
package protection
