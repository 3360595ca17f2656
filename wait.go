package halsocoach

import "context"

// Wait is how long people have waited at a centre, in days, from the day their
// recommendation was received there to the day their first talk was held.
type Wait struct {
	Median int // half of them waited at most so long
	P80    int // four of five did
	N      int // of how many people this is known
	Window int // they had their talk within this many days, today the last of them
	// Waiting is how many wait now, and WaitingMedian how long half of them have
	// waited at most, so far; nil when they are too few to show.
	Waiting       *int
	WaitingMedian *int
}

// Waits tells the waiting times as everybody may see them, from memory: cheap to
// call on a request's path.
type Waits interface {
	// Wait is that of a centre; false when too few have had their talk for
	// Median, P80 and N to be shown.
	Wait(ctx context.Context, centre string) (Wait, bool, error)
	// Waits are those of all centres, by code, without those of which too
	// little is known to be shown.
	Waits(ctx context.Context) (map[string]Wait, error)
}
