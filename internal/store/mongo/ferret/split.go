package ferret

import (
	"bytes"
	"encoding/binary"
	"net"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// FerretDB keeps a connection to its file open for every statement of an update
// until the last one is done, and stands still when it has no more. So an update
// of many statements is passed on as one command for each, in one turn, and the
// answers are added up.

// statements are the updates of a message, with what stands before them; nil
// when it is not an update of several.
func statements(c Command, m []byte) (head []byte, updates []bson.Raw) {
	if c.Name != "update" {
		return nil, nil
	}
	at := headerSize + 5 + len(c.Body)
	const name = "updates\x00"
	if len(m) < at+5+len(name) || m[at] != 1 || !bytes.HasPrefix(m[at+5:], []byte(name)) {
		return nil, nil
	}
	rest := m[at+5+len(name):]
	for len(rest) >= 5 {
		n := int(binary.LittleEndian.Uint32(rest))
		if n < 5 || n > len(rest) {
			return nil, nil
		}
		updates = append(updates, bson.Raw(rest[:n]))
		rest = rest[n:]
	}
	if len(updates) < 2 || len(rest) > 0 {
		return nil, nil
	}
	return m[:at], updates
}

// single is the message with one of its updates.
func single(head []byte, update bson.Raw) []byte {
	out := append(bytes.Clone(head), 1, 0, 0, 0, 0)
	out = append(append(out, "updates\x00"...), update...)
	binary.LittleEndian.PutUint32(out[len(head)+1:], uint32(len(out)-len(head)-1))
	binary.LittleEndian.PutUint32(out, uint32(len(out)))
	return out
}

// exchange sends a message to the server and reads the answer.
func exchange(server net.Conn, c Command, m []byte) ([]byte, error) {
	head, updates := statements(c, m)
	if updates == nil {
		if _, err := server.Write(m); err != nil {
			return nil, err
		}
		return readMessage(server)
	}
	var n, modified int32
	for _, u := range updates {
		if _, err := server.Write(single(head, u)); err != nil {
			return nil, err
		}
		answer, err := readMessage(server)
		if err != nil {
			return nil, err
		}
		var got struct {
			N        int32
			Modified int32         `bson:"nModified"`
			OK       float64       `bson:"ok"`
			Errors   bson.RawValue `bson:"writeErrors"`
		}
		if err := bson.Unmarshal(commandOf(answer).Body, &got); err != nil {
			return nil, err
		}
		if got.OK != 1 || len(got.Errors.Value) > 0 {
			return answer, nil // it ends here, as an ordered one does
		}
		n, modified = n+got.N, modified+got.Modified
	}
	return answerTo(m, bson.D{{Key: "n", Value: n}, {Key: "nModified", Value: modified}, {Key: "ok", Value: 1.0}})
}
