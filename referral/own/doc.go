// Package own is what people do themselves about a recommendation: they get in
// touch on their own, with sign-in or by asking to be called, and they see who
// has recommended them and decide what that one may see. A coach who has called
// somebody writes down here what they want.
//
// An own contact is a recommendation like others, in package referral's document
// and inbox; this room holds its pages and what keeps the open door safe.
package own
