package hook

import (
	"crypto/sha256"
	"sync"
	"time"
)

// tokensKept is how many tokens one generation holds, in about 10 MB.
const tokensKept = 1 << 17

// tokens remembers which tokens of Mailgun were used, and for which event, for
// as long as their signatures are valid: who sees one call could send others
// with its signature. Mailgun itself repeats a call with the event it had.
//
// Two generations are kept, so at most twice tokensKept. When more calls than
// that come within the time of a signature, the oldest are forgotten early.
type tokens struct {
	mu         sync.Mutex
	young, old map[[16]byte][16]byte // digest of an event by that of its token
	since      time.Time             // of young
}

// take says whether a token is new, or was used for the same event.
func (s *tokens) take(token string, event [32]byte, now time.Time) bool {
	sum := sha256.Sum256([]byte(token))
	key, value := [16]byte(sum[:]), [16]byte(event[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil || len(s.young) >= tokensKept || now.Sub(s.since) > tolerance+ahead {
		s.old, s.young, s.since = s.young, make(map[[16]byte][16]byte), now
	}
	before, known := s.young[key]
	if !known {
		before, known = s.old[key]
	}
	if known {
		return before == value
	}
	s.young[key] = value
	return true
}
