// Package e2e walks through the program as people do: the real binary as a
// child process, a real Chromium, the personas of the demo, on a phone's width
// and a wide one, with the accessibility checker axe-core on every page.
package e2e
