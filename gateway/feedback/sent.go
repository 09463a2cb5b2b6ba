package feedback

import (
	"hash/maphash"
	"strings"
	"sync"
)

// Sent remembers of which list mail is that was relayed of late, by Message-ID:
// it is all that some smarthosts repeat of a message. It is in memory alone, and
// holds the last 65,536 messages at least, and twice as many at most (about 10
// MB). The zero value is ready, and nil knows nothing.
type Sent struct {
	mu         sync.Mutex
	seed       maphash.Seed
	young, old map[uint64]string
}

const (
	sentKept = 1 << 16
	// unclear stands for several lists: a Message-ID that came more than once.
	unclear = "\x00"
)

// Add remembers a message; list is empty for mail of no list.
func (s *Sent) Add(messageID, list string) {
	id := bareID(messageID)
	if s == nil || id == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil {
		s.seed = maphash.MakeSeed()
		s.young = make(map[uint64]string)
	}
	key := maphash.String(s.seed, id)
	if before, known := s.find(key); known && before != list {
		list = unclear
	}
	if len(s.young) >= sentKept {
		s.old, s.young = s.young, make(map[uint64]string)
	}
	s.young[key] = list
}

// List returns the list of a message; known is false when it is not remembered,
// or its Message-ID was that of several lists.
func (s *Sent) List(messageID string) (list string, known bool) {
	id := bareID(messageID)
	if s == nil || id == "" {
		return "", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil {
		return "", false
	}
	list, known = s.find(maphash.String(s.seed, id))
	if list == unclear {
		return "", false
	}
	return list, known
}

func (s *Sent) find(key uint64) (list string, known bool) {
	if list, known = s.young[key]; !known {
		list, known = s.old[key]
	}
	return list, known
}

// bareID is a Message-ID without the angle brackets, which some leave out.
func bareID(messageID string) string {
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(messageID), "<"), ">"))
}
