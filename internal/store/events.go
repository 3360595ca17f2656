package store

import (
	"encoding/json"
	"fmt"

	"halsocoach"
)

// happened is an event as an adapter keeps it: with its facts, which do not leave
// the house in the event's own JSON.
type happened struct {
	halsocoach.Event
	Facts []halsocoach.Fact `json:"facts,omitempty"`
}

// EncodeEvents is how adapters keep a batch; nil for no events.
func EncodeEvents(events []halsocoach.Event) ([]byte, error) {
	if len(events) == 0 {
		return nil, nil
	}
	rows := make([]happened, len(events))
	for i, e := range events {
		rows[i] = happened{e, e.Facts}
	}
	out, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("store: events: %w", err)
	}
	return out, nil
}

// DecodeEvents reads what EncodeEvents wrote.
func DecodeEvents(from []byte) ([]halsocoach.Event, error) {
	var rows []happened
	if err := json.Unmarshal(from, &rows); err != nil {
		return nil, fmt.Errorf("store: events of a batch: %w", err)
	}
	out := make([]halsocoach.Event, len(rows))
	for i, r := range rows {
		out[i] = r.Event
		out[i].Facts = r.Facts
	}
	return out, nil
}
