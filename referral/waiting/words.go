package waiting

import (
	"context"

	"halsocoach"
	"halsocoach/internal/web"
)

// Words say how long people wait, in one sentence that says over which days; or
// that too few have had their talk to tell.
func Words(ctx context.Context, w halsocoach.Wait, known bool) string {
	if !known {
		return web.T(ctx, "Väntetid till första samtalet: för få för att visa.")
	}
	return web.T(ctx, "Hälften får sitt första samtal inom %s, 8 av 10 inom %s (senaste %d dagarna, %d personer).",
		days(ctx, w.Median), days(ctx, w.P80), w.Window, w.N)
}

// waitingWords say how many wait now, and how long they have.
func waitingWords(ctx context.Context, w halsocoach.Wait) string {
	return web.T(ctx, "Just nu väntar %d personer. Hälften av dem har väntat högst %s än så länge.", *w.Waiting, days(ctx, *w.WaitingMedian))
}

// days is a number of days in words; the same day is within one day.
func days(ctx context.Context, n int) string {
	if n <= 1 {
		return web.T(ctx, "en dag")
	}
	return web.T(ctx, "%d dagar", n)
}
