// Package chat is the coaching chat: one conversation between a citizen and
// their coach for each enrolment, over WebSocket, JSON and plain forms. What a
// client must know stands in PROTOCOL.md.
//
// Say is the heart: a message is sealed with the citizen's key and saved under
// the next number of its conversation; only then is it acknowledged and handed
// to the sockets of those who are in it. Numbers go 1, 2, 3 … without a gap,
// since a number is tried only when the one before it is stored. Everything else
// follows in the background and may be repeated: what waits for whom (the
// conversation's document), the counted contact, the nudge to other nodes. After
// a crash the open conversations are asked, by the next number's id, for what was
// not followed up.
//
// A room is what a node remembers of a conversation, a socket is one open
// connection, the hub knows whose sockets they are. A socket costs one goroutine
// while it is quiet. It is closed with 4401 when its session ends, 4403 for an
// account without chat, 4408 when it does not read, 4429 after ten seconds of
// more than thirty frames each, 1009 for a frame over 64 kB, 1003 for a binary
// one, 1007 for text that is not UTF-8 or ten frames in a row that mean nothing,
// and 1012 when the node goes down. Any other fault is answered by refused.
package chat
