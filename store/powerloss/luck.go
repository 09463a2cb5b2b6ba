package powerloss

import "math/rand/v2"

// luck is how much of what was not synced a loss of power leaves. There are
// losses of everything and of nothing, and anything in between.
type luck struct {
	random *rand.Rand
	kept   float64 // share of the sectors
	torn   float64 // share of those that were being written
}

func fortune(random *rand.Rand) luck {
	l := luck{random: random}
	switch random.IntN(4) {
	case 0:
		l.kept = 0
	case 1:
		l.kept = 1
	case 2:
		l.kept, l.torn = random.Float64(), 0.1
	case 3:
		l.kept, l.torn = 0.9, 0.3
	}
	return l
}

// some returns how many of n things, in their order, are durable.
func (l luck) some(n int) int {
	if l.kept == 0 {
		return 0
	}
	if l.kept == 1 {
		return n
	}
	return l.random.IntN(n + 1)
}

// part returns which bytes of a sector of that length are new.
func (l luck) part(length int) (from, to int) {
	switch {
	case l.random.Float64() >= l.kept:
		return 0, 0
	case l.random.Float64() >= l.torn:
		return 0, length
	case l.random.IntN(2) == 0:
		return 0, l.random.IntN(length)
	}
	return l.random.IntN(length), length
}
