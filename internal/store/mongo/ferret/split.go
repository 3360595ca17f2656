package ferret

import (
	"bytes"
	"encoding/binary"
	"net"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// What the relay does because FerretDB on SQLite is what it is:
//
// It keeps a connection to its file open for every statement of an update until
// the last is done, and stands still when it has no more. So a command of many
// statements is passed on as one for each, in one turn, and the answers are added
// up.
//
// It looks through the whole collection for the document of an update or delete,
// unless _id is all that is asked. In a collection that has grown, the relay
// therefore finds the document by its _id first, lets FerretDB judge the
// conditions on paths and judges those on plain fields itself, and then passes
// the statement on with the _id alone. Nobody can come in between. In a small
// collection, as those of the races, statements go through as they are.
const grown = 200

// line is a connection to the server.
type line struct {
	net.Conn
	r *Relay
}

// ask sends a message and reads the answer.
func (l line) ask(m []byte) ([]byte, error) {
	if _, err := l.Write(m); err != nil {
		return nil, err
	}
	return readMessage(l)
}

// exchange passes a command on, in the way that FerretDB can take it.
func (l line) exchange(c Command, m []byte) ([]byte, error) {
	name := map[string]string{"update": "updates", "delete": "deletes"}[c.Name]
	head, statements := cut(c, m, name)
	space, _ := c.Body.Lookup(c.Name).StringValueOK()
	db, _ := c.Body.Lookup("$db").StringValueOK()
	if c.Name == "insert" {
		l.r.inserted(db+"."+space, m)
	}
	if len(statements) == 0 {
		return l.ask(m)
	}
	large := l.r.large(db + "." + space)
	var n, modified int32
	for _, s := range statements {
		if large {
			id, found, err := l.byID(db, space, s)
			if err != nil {
				return nil, err
			}
			if id != nil && !found {
				continue
			}
			if id != nil {
				s = id
			}
		} else if len(statements) == 1 {
			return l.ask(m)
		}
		answer, err := l.ask(single(head, name, s))
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
			return answerTo(m, commandOf(answer).Body) // it ends here, as an ordered one does
		}
		n, modified = n+got.N, modified+got.Modified
	}
	sum := bson.D{{Key: "n", Value: n}}
	if c.Name == "update" {
		sum = append(sum, bson.E{Key: "nModified", Value: modified})
	}
	return answerTo(m, append(sum, bson.E{Key: "ok", Value: 1.0}))
}

// cut takes the statements out of a message; head is what stands before them.
func cut(c Command, m []byte, name string) (head []byte, statements []bson.Raw) {
	at := headerSize + 5 + len(c.Body)
	if name == "" || len(m) < at+6+len(name) || m[at] != 1 || !bytes.HasPrefix(m[at+5:], []byte(name+"\x00")) {
		return nil, nil
	}
	rest := m[at+6+len(name):]
	for len(rest) >= 5 {
		n := int(binary.LittleEndian.Uint32(rest))
		if n < 5 || n > len(rest) {
			return nil, nil
		}
		statements = append(statements, bson.Raw(rest[:n]))
		rest = rest[n:]
	}
	return m[:at], statements
}

// single is a message with one statement.
func single(head []byte, name string, statement bson.Raw) []byte {
	out := append(bytes.Clone(head), 1, 0, 0, 0, 0)
	out = append(append(append(out, name...), 0), statement...)
	binary.LittleEndian.PutUint32(out[len(head)+1:], uint32(len(out)-len(head)-1))
	binary.LittleEndian.PutUint32(out, uint32(len(out)))
	return out
}

// byID looks for the document of a statement by its _id. It returns the
// statement with the _id alone, nil if it is not of the kind this is for, and
// whether the document is as the statement asks.
func (l line) byID(db, space string, statement bson.Raw) (alone bson.Raw, found bool, err error) {
	var s bson.D
	if err := bson.Unmarshal(statement, &s); err != nil || s[0].Key != "q" {
		return nil, false, err
	}
	filter, ok := s[0].Value.(bson.D)
	if !ok || len(filter) < 2 || filter[0].Key != "_id" {
		return nil, false, nil
	}
	if _, ok := filter[0].Value.(string); !ok {
		return nil, false, nil
	}
	asked, plain := filter[:1:1], bson.D{}
	for _, e := range filter[1:] {
		_, document := e.Value.(bson.D)
		switch {
		case strings.Contains(e.Key, "."):
			asked = append(asked, e)
		case strings.HasPrefix(e.Key, "$"), document && !isExists(e.Value):
			return nil, false, nil
		default:
			plain = append(plain, e)
		}
	}
	doc, err := l.find(db, space, asked)
	if err != nil || doc == nil {
		return statement, false, err
	}
	for _, e := range plain {
		if !fits(doc, e) {
			return statement, false, nil
		}
	}
	s[0].Value = filter[:1]
	alone, err = bson.Marshal(s)
	return alone, true, err
}

func isExists(v any) bool {
	d, ok := v.(bson.D)
	return ok && len(d) == 1 && d[0].Key == "$exists"
}

// fits judges a condition on a plain field: that it is there or not, or equal.
func fits(doc bson.Raw, e bson.E) bool {
	value, err := doc.LookupErr(e.Key)
	if d, ok := e.Value.(bson.D); ok {
		return (err == nil) == d[0].Value.(bool)
	}
	typ, want, merr := bson.MarshalValue(e.Value)
	return err == nil && merr == nil && value.Type == typ && bytes.Equal(value.Value, want)
}

// find asks for one document; nil when there is none.
func (l line) find(db, space string, filter bson.D) (bson.Raw, error) {
	m, err := answerTo(make([]byte, headerSize), bson.D{{Key: "find", Value: space}, {Key: "filter", Value: filter},
		{Key: "limit", Value: 1}, {Key: "singleBatch", Value: true}, {Key: "$db", Value: db}})
	if err != nil {
		return nil, err
	}
	answer, err := l.ask(m)
	if err != nil {
		return nil, err
	}
	var got struct {
		Cursor struct {
			FirstBatch []bson.Raw `bson:"firstBatch"`
		} `bson:"cursor"`
	}
	if err := bson.Unmarshal(commandOf(answer).Body, &got); err != nil || len(got.Cursor.FirstBatch) == 0 {
		return nil, err
	}
	return got.Cursor.FirstBatch[0], nil
}

// inserted counts about what has been inserted into a collection, and large says
// whether that is much.
func (r *Relay) inserted(space string, m []byte) {
	n := 1 + len(m)/1000
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sizes[space] += n
}

func (r *Relay) large(space string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sizes[space] > grown
}
