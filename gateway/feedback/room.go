package feedback

import "sync/atomic"

// mostLarge is how many large messages are held in memory at once, 128 MiB in
// all: anybody can write to the boxes, from many places.
const mostLarge = 128

// room counts the large messages in work.
type room struct{ used atomic.Int64 }

// place is what one message takes of it.
type place struct {
	room  *room
	taken bool
}

func (r *room) take() *place { return &place{room: r} }

// large says whether the message may be kept as a large one.
func (p *place) large() bool {
	if p.room.used.Add(1) > mostLarge {
		p.room.used.Add(-1)
		return false
	}
	p.taken = true
	return true
}

func (p *place) giveBack() {
	if p.taken {
		p.room.used.Add(-1)
		p.taken = false
	}
}
