package sqlite

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"offramp/store"
)

// The places of the file format that a free page is found by
// (https://www.sqlite.org/fileformat2.html sections 1.3 and 1.5).
const (
	headerSize    = 100
	atFirstTrunk  = 32 // in the header: first page of the list of free pages
	atFreeCount   = 36 // in the header: how many there are
	trunkHeadSize = 8  // in a trunk: next trunk, and number of leaves behind it
)

// freelist is the free pages of a database file. Trunks are those that list the
// others, which are the leaves: nothing in a leaf is of use to SQLite.
type freelist struct {
	leaves pageSet
	trunks []trunk
}

// trunk is a page of the list and how many bytes of it are in use.
type trunk struct {
	page uint32
	used int
}

// readFreelist reads the list from the file itself. All of the log must have
// been copied back, and nothing may be written meanwhile. A list that makes no
// sense is store.ErrDamaged: pages of mail could be in it.
func readFreelist(file io.ReaderAt, size int) (*freelist, error) {
	head := make([]byte, headerSize)
	if _, err := file.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	pages := binary.BigEndian.Uint32(head[28:])
	next, count := binary.BigEndian.Uint32(head[atFirstTrunk:]), binary.BigEndian.Uint32(head[atFreeCount:])
	list := &freelist{leaves: newPageSet(pages)}
	seen := newPageSet(pages)
	take := func(page uint32) bool {
		ok := page > 1 && page <= pages && !seen.has(page)
		if ok {
			seen.add(page)
		}
		return ok
	}
	most, left, buf := uint32(size/4-2), int64(count), make([]byte, size)
	for ; next != 0; next = binary.BigEndian.Uint32(buf) {
		if !take(next) {
			return nil, fmt.Errorf("%w: list of free pages", store.ErrDamaged)
		}
		if _, err := file.ReadAt(buf, int64(next-1)*int64(size)); err != nil {
			return nil, fmt.Errorf("read free page %d: %w", next, err)
		}
		n := binary.BigEndian.Uint32(buf[4:])
		if n > most {
			return nil, fmt.Errorf("%w: list of free pages", store.ErrDamaged)
		}
		for i := range n {
			leaf := binary.BigEndian.Uint32(buf[trunkHeadSize+4*i:])
			if !take(leaf) {
				return nil, fmt.Errorf("%w: list of free pages", store.ErrDamaged)
			}
			list.leaves.add(leaf)
		}
		list.trunks = append(list.trunks, trunk{page: next, used: trunkHeadSize + 4*int(n)})
		left -= int64(n) + 1
	}
	if left != 0 {
		return nil, fmt.Errorf("%w: number of free pages", store.ErrDamaged)
	}
	return list, nil
}

// pageSet is a set of page numbers, a bit for each page of the file.
type pageSet []uint64

func newPageSet(pages uint32) pageSet { return make(pageSet, pages/64+1) }

func (s pageSet) add(page uint32) { s[page/64] |= 1 << (page % 64) }

func (s pageSet) has(page uint32) bool {
	return page/64 < uint32(len(s)) && s[page/64]&(1<<(page%64)) != 0
}

// next returns the first page of the set that is not before page; 0: none.
func (s pageSet) next(page uint32) uint32 {
	for i := int(page / 64); i < len(s); i++ {
		word := s[i]
		if i == int(page/64) {
			word &^= 1<<(page%64) - 1
		}
		if word != 0 {
			return uint32(i*64 + bits.TrailingZeros64(word))
		}
	}
	return 0
}

// count returns how many pages of the set are not before page.
func (s pageSet) count(page uint32) (n int64) {
	for i := int(page / 64); i < len(s); i++ {
		word := s[i]
		if i == int(page/64) {
			word &^= 1<<(page%64) - 1
		}
		n += int64(bits.OnesCount64(word))
	}
	return n
}
