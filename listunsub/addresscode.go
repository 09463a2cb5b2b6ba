package listunsub

import "strings"

// addressCode writes addresses in few bits and reads them back, byte by byte
// the same.
type addressCode struct {
	rows    []codeRow
	symbols []symbol      // by code word
	octets  [256]codeWord // of every single byte, SHIFT or ESCAPE included
	longer  [256][]longer // symbols of more than one byte, by the first of them
}

// longer refers to a symbol. Its second byte is kept beside, because most
// symbols are distinguished by it.
type longer struct {
	second byte
	symbol uint16
}

// codeWord is up to 32 bits, right-aligned.
type codeWord struct {
	word uint32
	bits int
}

// then returns one word after another.
func (a codeWord) then(b codeWord) codeWord {
	return codeWord{word: a.word<<b.bits | b.word, bits: a.bits + b.bits}
}

type symbol struct {
	text string // shiftName and escapeName are not text
	kind symbolKind
	codeWord
}

type symbolKind byte

const (
	plainSymbol symbolKind = iota
	shiftSymbol
	escapeSymbol
)

// codeRow is the run of code words of one length.
type codeRow struct {
	bits  int
	first uint32 // first code word
	index int    // of its symbol
	count int
}

// newAddressCode gives the symbols of a table their canonical code words.
func newAddressCode(table []tableRow) *addressCode {
	c := &addressCode{}
	var shift, escape codeWord
	word, bits := uint32(0), 0
	for _, row := range table {
		texts := strings.Fields(row.symbols)
		word <<= row.bits - bits
		bits = row.bits
		c.rows = append(c.rows, codeRow{bits: bits, first: word, index: len(c.symbols), count: len(texts)})
		for _, text := range texts {
			s := symbol{text: text, codeWord: codeWord{word, bits}}
			switch {
			case text == shiftName:
				s.kind, shift = shiftSymbol, s.codeWord
			case text == escapeName:
				s.kind, escape = escapeSymbol, s.codeWord
			case len(text) == 1:
				c.octets[text[0]] = s.codeWord
			default:
				c.longer[text[0]] = append(c.longer[text[0]], longer{text[1], uint16(len(c.symbols))})
			}
			c.symbols = append(c.symbols, s)
			word++
		}
	}
	for b := range c.octets {
		switch {
		case c.octets[b].bits > 0:
		case b >= 'A' && b <= 'Z':
			c.octets[b] = shift.then(c.octets[b|0x20])
		default:
			c.octets[b] = escape.then(codeWord{uint32(b), 8})
		}
	}
	return c
}

// maxCoded bounds the work for addresses that cannot fit. Only one made of
// nothing but well-known domains would fit and be longer.
const maxCoded = 128

// encode appends the code of address to w and says whether it fitted. It
// finds the fewest bits, from the end of the address to its beginning; where
// two ways are equal, the first in the table wins.
func (c *addressCode) encode(w *bitWriter, address string) bool {
	if len(address) > maxCoded {
		return false
	}
	var cost [maxCoded + 1]int
	var best [maxCoded]uint16
	for i := len(address) - 1; i >= 0; i-- {
		cost[i] = c.octets[address[i]].bits + cost[i+1]
		best[i] = uint16(len(c.symbols)) // the byte alone
		for _, l := range c.longer[address[i]] {
			if i+1 == len(address) || address[i+1] != l.second {
				continue
			}
			s := &c.symbols[l.symbol]
			if !strings.HasPrefix(address[i:], s.text) {
				continue
			}
			if via := s.bits + cost[i+len(s.text)]; via < cost[i] {
				cost[i], best[i] = via, l.symbol
			}
		}
	}
	if cost[0] > w.free() {
		return false
	}
	for i := 0; i < len(address); {
		if n := int(best[i]); n < len(c.symbols) {
			w.write(c.symbols[n].codeWord)
			i += len(c.symbols[n].text)
			continue
		}
		w.write(c.octets[address[i]])
		i++
	}
	return true
}

// decode reads an address up to the padding. It may accept what encode would
// not write; the caller compares.
func (c *addressCode) decode(r *bitReader) (string, bool) {
	text := make([]byte, 0, 64)
	for !r.padding() {
		s, ok := c.next(r)
		if !ok {
			return "", false
		}
		switch s.kind {
		case escapeSymbol:
			b, ok := r.read(8)
			if !ok {
				return "", false
			}
			text = append(text, byte(b))
		case shiftSymbol:
			s, ok := c.next(r)
			if !ok || s.kind != plainSymbol || s.text[0] < 'a' || s.text[0] > 'z' {
				return "", false
			}
			text = append(text, s.text[0]&^0x20)
		default:
			text = append(text, s.text...)
		}
	}
	return string(text), len(text) > 0
}

// next reads one code word.
func (c *addressCode) next(r *bitReader) (symbol, bool) {
	word, bits := uint32(0), 0
	for _, row := range c.rows {
		more, ok := r.read(row.bits - bits)
		if !ok {
			return symbol{}, false
		}
		word, bits = word<<(row.bits-bits)|more, row.bits
		if n := int(word) - int(row.first); n < row.count {
			return c.symbols[row.index+n], true
		}
	}
	return symbol{}, false
}

// bitWriter fills a slice of zeros from its most significant bit.
type bitWriter struct {
	out   []byte
	at    int // next bit
	limit int // bits that may be written
}

func (w *bitWriter) free() int { return w.limit - w.at }

func (w *bitWriter) write(c codeWord) {
	for i := c.bits - 1; i >= 0; i-- {
		if c.word>>i&1 == 1 {
			w.out[w.at/8] |= 0x80 >> (w.at % 8)
		}
		w.at++
	}
}

// bitReader reads what bitWriter wrote.
type bitReader struct {
	in  []byte
	at  int
	end int // bits there are
}

func (r *bitReader) read(bits int) (uint32, bool) {
	if r.end-r.at < bits {
		return 0, false
	}
	v := uint32(0)
	for range bits {
		v = v<<1 | uint32(r.in[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v, true
}

// padding says whether only ones, fewer than 5, are left.
func (r *bitReader) padding() bool {
	left := r.end - r.at
	if left >= 5 {
		return false
	}
	for at := r.at; at < r.end; at++ {
		if r.in[at/8]>>(7-at%8)&1 == 0 {
			return false
		}
	}
	return true
}
