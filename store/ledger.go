package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sum is a SHA-256.
type Sum [sha256.Size]byte

// Entry is one event in the ledger. Its Digest covers the salted contents of
// the event; its Link covers everything before it and its own ID, Time and
// Digest. Emptying an entry (a person was erased) takes contents and salt, and
// leaves a ledger that can still be verified from end to end: what was said is
// gone, that something was said is not.
type Entry struct {
	Event  Event  // of an emptied entry ID and Time alone
	Salt   []byte // 16 random bytes; nil: emptied
	Erased int64  // of an emptied entry: ID of the event of kind EventErased
	Digest Sum
	Link   Sum
}

// Digest hashes the contents of an event: every field but ID, Time and Once. A field
// cannot run into the next one, since each is preceded by its length.
func (e Event) Digest(salt []byte) Sum {
	h := sha256.New()
	var length [8]byte
	put := func(s string) {
		binary.BigEndian.PutUint64(length[:], uint64(len(s)))
		h.Write(length[:])
		h.Write([]byte(s))
	}
	put("offramp event 1")
	put(string(salt))
	for _, s := range []string{
		string(e.Kind), e.Recipient, e.List, string(e.Way), string(e.Reason),
		e.QueueID, e.MessageID, e.IP, e.UserAgent, e.Who, e.Detail,
	} {
		put(s)
	}
	binary.BigEndian.PutUint64(length[:], uint64(e.Ref))
	h.Write(length[:])
	return Sum(h.Sum(nil))
}

// LinkAfter is the link of an entry whose predecessor has the link before; the
// first entry of all follows the zero Sum. Times count to the microsecond.
func LinkAfter(before Sum, id int64, at time.Time, digest Sum) Sum {
	b := make([]byte, 0, 16+2*len(before)+16)
	b = append(b, before[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(id))
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixMicro()))
	b = append(b, digest[:]...)
	return sha256.Sum256(b)
}

// Head is how far the ledger reaches.
type Head struct {
	ID   int64 // of the last event; 0: there is none
	Link Sum
	// First is the ID of the event before the first that is kept, and
	// FirstLink its link: both are zero until the retention removed events.
	First     int64
	FirstLink Sum
}

// ErasedDetail accounts for the events that an erasure emptied: how many, and
// a SHA-256 over their IDs, by ID.
func ErasedDetail(ids []int64) string {
	slices.Sort(ids)
	h := sha256.New()
	for _, id := range ids {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(id)))
	}
	first := int64(0)
	if len(ids) > 0 {
		first = ids[0]
	}
	return fmt.Sprintf("emptied %d, first %d, ids %s", len(ids), first, hex.EncodeToString(h.Sum(nil)))
}

// FirstEmptied reads the first ID of an [ErasedDetail].
func FirstEmptied(detail string) (int64, bool) {
	_, rest, ok := strings.Cut(detail, ", first ")
	if !ok {
		return 0, false
	}
	text, _, _ := strings.Cut(rest, ",")
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil
}
