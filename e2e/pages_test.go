package e2e

import "testing"

// TestTheLineOfWhoWaitsIsKeptTrue: the coach's line above a conversation goes away
// when the coach has answered, and comes back when the citizen writes again, both
// without a new page.
func TestTheLineOfWhoWaitsIsKeptTrue(t *testing.T) {
	d := Start(t, monday)
	maria := d.Browse(t, "maria", Wide)
	maria.SignIn("maria")
	maria.Open("/chatt")
	maria.PressText("Anna Lind")
	maria.See("Väntar på svar sedan")
	maria.Fill("text", "Härligt att höra!")
	maria.Send()
	maria.until("the line to go away", `document.getElementById("chat-waiting").textContent.trim() === ""`)
	maria.See("Härligt att höra!")
	maria.Accessible()

	anna := d.Browse(t, "anna", Phone)
	anna.SignIn("anna")
	anna.Open("/chatt")
	anna.Fill("text", "Tack!")
	anna.Send()
	maria.until("the line to come back", `document.getElementById("chat-waiting").textContent.includes("Väntar på svar sedan i dag")`)
	maria.Shot("chat-waiting")
}

// TestWhatACoachPlansIsOnTheirWeek: the week of a wide screen names its groups and
// says how a talk is held; no page is wider than the screen, and all are
// accessible.
func TestWhatACoachPlansIsOnTheirWeek(t *testing.T) {
	d := Start(t, monday)
	for _, width := range []int{Wide, Phone} {
		maria := d.Browse(t, "maria", width)
		maria.SignIn("maria")
		maria.Open("/kalender")
		maria.See("Promenadgruppen")
		maria.Good("week")
		maria.Open("/kalender/video")
		maria.Good("video")
		region := d.Browse(t, "region", width)
		region.SignIn("region")
		for _, path := range []string{"/statistik/halvar", "/statistik/ar"} {
			region.Open(path)
			region.Good("statistics")
		}
	}
}
