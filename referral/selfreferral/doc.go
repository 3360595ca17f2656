// Package selfreferral is what people do themselves about a recommendation. They get
// in touch on their own, signed in or by asking to be called, and they see who has
// recommended them and decide what that one may see.
//
// An own contact is a recommendation like others and lies in the same inbox. This
// room holds its pages and what keeps the open door safe.
package selfreferral
