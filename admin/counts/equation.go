package counts

import (
	"maps"
	"math/big"
	"slices"
)

// The arithmetic behind the rules of small numbers: linear equations in the
// hidden cells.

// fingerprint stands for a combination of cells, modulo the prime: two, so
// that different combinations do not meet.
type fingerprint [2]uint64

func fingerprintOf(place int, c uint64) fingerprint {
	x := uint64(place)*0x9e3779b97f4a7c15 + 0x1234567
	var p fingerprint
	for i := range p {
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
		p[i] = (x%(prime-1) + 1) * c % prime
	}
	return p
}

func (p fingerprint) plus(q fingerprint) fingerprint {
	return fingerprint{(p[0] + q[0]) % prime, (p[1] + q[1]) % prime}
}

func (p fingerprint) negative() fingerprint {
	return fingerprint{(prime - p[0]) % prime, (prime - p[1]) % prime}
}

// equation is the coefficients by cell, modulo a prime, so that solving is
// exact whatever the sums look like.
type equation map[int]uint64

const prime = 1<<31 - 1

// solve brings the equations to the form in which each has a cell of its own
// that no other has; own leads from that cell to its equation.
func solve(rows []equation) (solved []equation, own map[int]int) {
	own = map[int]int{}
	for _, row := range rows {
		for _, place := range slices.Collect(maps.Keys(row)) {
			if at, ok := own[place]; ok {
				row.minus(solved[at], row[place])
			}
		}
		if len(row) == 0 {
			continue
		}
		mine := slices.Min(slices.Collect(maps.Keys(row)))
		row.scale(inverse(row[mine]))
		for _, other := range solved {
			if f := other[mine]; f != 0 {
				other.minus(row, f)
			}
		}
		own[mine] = len(solved)
		solved = append(solved, row)
	}
	return solved, own
}

// minus takes f times other away.
func (e equation) minus(other equation, f uint64) {
	for place, c := range other {
		v := (e[place] + (prime-f)*c) % prime
		if v == 0 {
			delete(e, place)
		} else {
			e[place] = v
		}
	}
}

func (e equation) scale(f uint64) {
	for place, c := range e {
		e[place] = c * f % prime
	}
}

// inverse is 1/a modulo the prime.
func inverse(a uint64) uint64 {
	return new(big.Int).ModInverse(new(big.Int).SetUint64(a), big.NewInt(prime)).Uint64()
}
