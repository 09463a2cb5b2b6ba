package ledger

import (
	"math/bits"
	"time"
)

// fine is how many bits of a duration are kept: a reported one is too long
// by less than a 128th.
const fine = 7

// durations counts durations in microseconds, in classes that grow with the
// duration, so that any number of them takes the same 58 KiB. Below 256
// microseconds each has a class of its own.
type durations struct {
	classes [(64 - fine) << fine]int64
	count   int64
	longest int64
}

// add counts d; one below zero, when a clock was set back, counts as zero.
func (s *durations) add(d time.Duration) {
	us := max(0, d.Microseconds())
	s.classes[class(us)]++
	s.count++
	s.longest = max(s.longest, us)
}

func class(us int64) int {
	over := max(0, bits.Len64(uint64(us))-fine-1)
	return over<<fine + int(us>>over)
}

// end is the longest duration in microseconds of a class.
func end(class int) int64 {
	over := max(0, class>>fine-1)
	return int64(class-over<<fine+1)<<over - 1
}

// quantile returns a duration that a part of all, from 0 to 1, do not exceed;
// zero when there are none.
func (s *durations) quantile(part float64) time.Duration {
	rank := int64(part * float64(s.count))
	if float64(rank) < part*float64(s.count) || rank == 0 {
		rank++
	}
	seen := int64(0)
	for c, n := range s.classes {
		if seen += n; n > 0 && seen >= rank {
			return time.Duration(min(end(c), s.longest)) * time.Microsecond
		}
	}
	return 0
}
