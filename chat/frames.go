package chat

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"time"

	"halsocoach"
)

// Protocol is the subprotocol of /ws.
const Protocol = "halsocoach.v1"

// asked is a frame from a client: exactly one of its members is set.
type asked struct {
	Say *struct {
		In   string `json:"in"`
		Key  string `json:"key"`
		Text string `json:"text"`
	} `json:"say"`
	Since  *position `json:"since"`
	Read   *position `json:"read"`
	Typing *position `json:"typing"`
}

type position struct {
	In  string `json:"in"`
	Seq int    `json:"seq"`
}

// The faults of frames.
var (
	errBroken  = invalid("broken", "Det som skickades gick inte att läsa.")
	errUnknown = invalid("unknown", "Det som skickades är av ett slag som vi inte känner till.")
)

// parse reads a frame.
func parse(body []byte) (asked, error) {
	var a asked
	if err := json.Unmarshal(body, &a); err != nil {
		return a, errBroken
	}
	n := 0
	for _, set := range []bool{a.Say != nil, a.Since != nil, a.Read != nil, a.Typing != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		return a, errUnknown
	}
	return a, nil
}

// sender is who said a message, as clients see it.
type sender struct {
	ID   string          `json:"id"`
	Name string          `json:"name"`
	Role halsocoach.Role `json:"role"`
}

// wireTime is RFC 3339 with milliseconds and Swedish offset.
const wireTime = "2006-01-02T15:04:05.000Z07:00"

// headRoom is what the longest header of a frame from a server needs.
const headRoom = 10

// finish puts the header of an unmasked text frame before the payload (RFC 6455,
// section 5.2).
func finish(b []byte) []byte { return header(b, 0x1) }

func header(b []byte, opcode byte) []byte {
	n := len(b) - headRoom
	switch {
	case n < 126:
		b = b[headRoom-2:]
		b[1] = byte(n)
	case n < 1<<16:
		b = b[headRoom-4:]
		b[1] = 126
		binary.BigEndian.PutUint16(b[2:], uint16(n))
	default:
		b = b[headRoom-10:]
		b[1] = 127
		binary.BigEndian.PutUint64(b[2:], uint64(n))
	}
	b[0] = 0x80 | opcode
	return b
}

// control is a ping, pong or close frame; its payload is at most 125 bytes.
func control(opcode int, payload []byte) []byte {
	return header(append(begin(len(payload)), payload[:min(len(payload), 125)]...), byte(opcode))
}

var pingFrame = control(0x9, nil)

// closeFrame: a code that may not be sent (RFC 6455, section 7.4.1) is left out.
func closeFrame(code int, reason string) []byte {
	if code < 1000 || code >= 1004 && code <= 1006 || code == 1015 {
		return control(0x8, nil)
	}
	return control(0x8, append([]byte{byte(code >> 8), byte(code)}, reason...))
}

// begin starts a frame with room for the WebSocket header before it.
func begin(size int) []byte { return make([]byte, headRoom, headRoom+size) }

func saidFrame(d Said) []byte {
	b := begin(140 + len(d.In) + len(d.Key))
	b = append(b, `{"said":{"in":"`...)
	b = append(b, d.In...)
	b = append(b, `","key":"`...)
	b = append(b, d.Key...)
	b = append(b, `","seq":`...)
	b = strconv.AppendInt(b, int64(d.Seq), 10)
	b = append(b, `,"at":"`...)
	b = d.At.In(halsocoach.Stockholm()).AppendFormat(b, wireTime)
	return finish(append(b, `"}}`...))
}

// messageFrame: from is the sender as JSON.
func messageFrame(m Message, from []byte, text string) []byte {
	b := begin(190 + len(m.In) + len(m.Key) + len(from) + len(text)*5/4)
	b = append(b, `{"message":{"in":"`...)
	b = append(b, m.In...)
	b = append(b, `","seq":`...)
	b = strconv.AppendInt(b, int64(m.Seq), 10)
	b = append(b, `,"key":"`...)
	b = append(b, m.Key...)
	b = append(b, `","from":`...)
	b = append(b, from...)
	b = append(b, `,"text":`...)
	b = appendText(b, text)
	b = append(b, `,"at":"`...)
	b = m.At.In(halsocoach.Stockholm()).AppendFormat(b, wireTime)
	return finish(append(b, `"}}`...))
}

// appendText writes a JSON string. Text is valid UTF-8: checkText saw to it.
func appendText(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		b = append(b, text[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		from = i + 1
	}
	b = append(b, text[from:]...)
	return append(b, '"')
}

// rare writes the frames that are not worth writing by hand.
func rare(key string, v any) []byte {
	body, err := json.Marshal(map[string]any{key: v})
	if err != nil {
		panic("chat: a frame that is not JSON: " + err.Error())
	}
	return finish(append(begin(len(body)), body...))
}

// signalled is the body of "read", and without Seq of "typing".
type signalled struct {
	In  string `json:"in"`
	By  string `json:"by"`
	Seq int    `json:"seq,omitempty"`
}

// refusal answers a frame that could not be followed.
type refusal struct {
	In   string `json:"in,omitempty"`
	Key  string `json:"key"`
	Code string `json:"code"`
	Text string `json:"text"`
}

// stamp is a time as it stands in frames and JSON answers.
func stamp(t time.Time) time.Time { return t.In(halsocoach.Stockholm()) }

// senderJSON is the sender as it stands in frames.
func senderJSON(s sender) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic("chat: a sender that is not JSON: " + err.Error())
	}
	return bytes.TrimSpace(b.Bytes())
}
