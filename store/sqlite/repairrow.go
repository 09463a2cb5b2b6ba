package sqlite

import (
	"math/bits"
	"slices"
	"strings"
)

// correct puts a row back that one bit was flipped in: of the rows that differ
// from it in one bit, one alone has its checksum.
func (r *repair) correct(b brokenRow) error {
	t, last := b.table, len(b.values)-1
	var s sealedRow
	put, ok := slices.Clone(b.values), false
	if bits.OnesCount64(b.is.stored^b.is.seal) == 1 {
		put[last], ok = int64(b.is.seal), true // the bit was in the checksum
	} else {
		put, ok = oneBitOff(b.values, last, func(try row) bool {
			t.read(r.k, try, &s)
			return s.seal == b.is.stored
		})
	}
	if !ok {
		return nil
	}
	t.read(r.k, put, &s)
	if _, err := r.c.exec("DELETE FROM "+t.name+" WHERE "+strings.Join(t.keys, " = ? AND ")+" = ?", anys(b.values[:len(t.keys)])...); err != nil {
		return err
	}
	if _, err := r.c.exec("INSERT OR REPLACE INTO "+t.name+" ("+t.columns+", seal) VALUES (?"+strings.Repeat(", ?", last)+")", anys(put)...); err != nil {
		return err
	}
	r.names[r.k.id(s.of, s.name)] = sealedRow{of: s.of, name: s.name}
	r.done.Corrected++
	return nil
}

func anys(values row) (all []any) {
	for _, v := range values {
		all = append(all, v)
	}
	return all
}

// oneBitOff returns the row that fits among those that differ from r in one bit of
// their first n values.
func oneBitOff(r row, n int, fits func(row) bool) (row, bool) {
	try := slices.Clone(r)
	for i := range n {
		switch v := r[i].(type) {
		case int64:
			for bit := range 64 {
				if try[i] = v ^ 1<<bit; fits(try) {
					return try, true
				}
			}
		case string:
			if octets, ok := flipText([]byte(v), func(o []byte) bool { try[i] = string(o); return fits(try) }); ok {
				try[i] = string(octets)
				return try, true
			}
		case []byte:
			if octets, ok := flipText(slices.Clone(v), func(o []byte) bool { try[i] = o; return fits(try) }); ok {
				try[i] = octets
				return try, true
			}
		}
		try[i] = r[i]
	}
	return nil, false
}

// flipText flips each bit in turn until fits says so.
func flipText(octets []byte, fits func([]byte) bool) ([]byte, bool) {
	for i := range octets {
		for bit := range 8 {
			octets[i] ^= 1 << bit
			if fits(octets) {
				return octets, true
			}
			octets[i] ^= 1 << bit
		}
	}
	return nil, false
}
