package store

import (
	"encoding/binary"
	"errors"
)

// AppendValue writes an index value, a string or an int64, in a form that tells
// them apart and where they end.
func AppendValue(to []byte, v any) []byte {
	switch x := v.(type) {
	case string:
		to = append(to, 't')
		to = binary.AppendUvarint(to, uint64(len(x)))
		return append(to, x...)
	case int64:
		return binary.AppendVarint(append(to, 'i'), x)
	}
	panic("store: an index value is a string or an int64")
}

var errEncoded = errors.New("store: not an encoded index value")

// CutValue reads what AppendValue wrote and returns the rest.
func CutValue(from []byte) (v any, rest []byte, err error) {
	if len(from) < 2 {
		return nil, nil, errEncoded
	}
	switch from[0] {
	case 't':
		n, used := binary.Uvarint(from[1:])
		if used <= 0 || n > uint64(len(from)-1-used) {
			return nil, nil, errEncoded
		}
		end := 1 + used + int(n)
		return string(from[1+used : end]), from[end:], nil
	case 'i':
		n, used := binary.Varint(from[1:])
		if used <= 0 {
			return nil, nil, errEncoded
		}
		return n, from[1+used:], nil
	}
	return nil, nil, errEncoded
}
