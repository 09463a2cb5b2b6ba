package sqlite

import (
	"math/bits"
	"sync/atomic"
)

// filter is a Bloom filter in memory of what the file must hold. It says for
// certain that there is no row, or that there was one to look for. All that is
// asked of one name is in one block, of the size of a cache line, since that is
// what a look costs.
type filter struct {
	words []uint64
	// room is how many rows it is good for; more make it say yes more often.
	room int64
}

const (
	blockWords = 8
	// Bits for a row, which sets two keys or three. Persons are spread over blocks
	// by chance, so the mean has to leave room.
	rowsPerBlock = blockWords * 64 / 24
	filterLeast  = 1 << 17 // rows
	filterBits   = 6       // set for a key
)

func newFilter(rows int64) *filter {
	rows = max(rows+rows/2, filterLeast)
	return &filter{words: make([]uint64, (rows/rowsPerBlock+1)*blockWords), room: rows}
}

// The keys of a name. What is about a list adds the list's own number.
const (
	anyRow uint64 = iota + 1
	choiceKey
	suppressedKey // for whatever list and reason
	suppressionKey
	sharingKey
	erasedKey
)

// mix spreads a number over all bits (the finalizer of splitmix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

func (f *filter) block(id int64) []uint64 {
	hi, _ := bits.Mul64(uint64(id)<<1, uint64(len(f.words)/blockWords))
	return f.words[hi*blockWords : hi*blockWords+blockWords]
}

func (f *filter) add(id int64, key uint64) {
	block, h := f.block(id), mix(uint64(id)^mix(key))
	for range filterBits {
		atomic.OrUint64(&block[h>>6&7], 1<<(h&63))
		h >>= 9
	}
}

func (f *filter) has(id int64, key uint64) bool {
	block, h := f.block(id), mix(uint64(id)^mix(key))
	for range filterBits {
		if atomic.LoadUint64(&block[h>>6&7])&(1<<(h&63)) == 0 {
			return false
		}
		h >>= 9
	}
	return true
}
