package hook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"offramp/gateway/throttle"
)

const (
	// maxBody is how much of a body is read of whoever calls: one report has a
	// small part of it.
	maxBody = 1 << 20
	// maxBatch is how much is read of a call whose header is as its vendor makes
	// it. A vendor that has to repeat its calls sends larger batches.
	maxBatch = 32 << 20
	// firstPiece is the memory that a body begins with. It doubles as more comes.
	firstPiece = 4 << 10
	// maxSmall bounds what all bodies together have in memory of their first
	// maxBody, and maxSmallEach those of one network.
	maxSmall     = 32 << 20
	maxSmallEach = 8 << 20
	// maxLarge bounds what all bodies together have in memory beyond maxBody, and
	// maxLargeEach those of one network: as much as one batch.
	maxLarge     = 64 << 20
	maxLargeEach = maxBatch
)

// memory is what bodies have of it while they are read and looked at.
type memory struct {
	once         sync.Once
	small, large throttle.Shares
}

// shares returns both, the first maxBody of bodies and what is beyond.
func (m *memory) shares() (small, large *throttle.Shares) {
	m.once.Do(func() {
		m.small.All, m.small.Each = maxSmall, maxSmallEach
		m.large.All, m.large.Each = maxLarge, maxLargeEach
	})
	return &m.small, &m.large
}

// body is what a call says, in pieces of at most maxBody bytes, so that a large
// one is never copied as a whole.
type body struct {
	memory       *memory
	from         netip.Addr // whose share it is
	pieces       [][]byte
	small, large int64 // taken of the memory
}

// fill reads a body to its end. Memory is taken as bytes arrive: who announces
// much and sends little has little.
func (b *body) fill(r io.Reader) error {
	for {
		piece, err := b.piece(r)
		if len(piece) > 0 {
			b.pieces = append(b.pieces, piece)
		}
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return fmt.Errorf("%w: more than %d bytes", errTooLarge, tooLarge.Limit)
		}
		switch {
		case err == nil: // there is more
		case err == io.EOF:
			return nil
		case err == errFull:
			return err
		default:
			return fmt.Errorf("%w: %w", errBroken, err)
		}
	}
}

// piece reads maxBody bytes, or to the end: then its error is io.EOF.
func (b *body) piece(r io.Reader) (piece []byte, err error) {
	for len(piece) < maxBody {
		if len(piece) == cap(piece) {
			size := min(max(2*cap(piece), firstPiece), maxBody)
			if !b.take(int64(size - cap(piece))) {
				return nil, errFull
			}
			piece = append(make([]byte, 0, size), piece...)
		}
		n, err := r.Read(piece[len(piece):cap(piece)])
		piece = piece[:len(piece)+n]
		if err != nil {
			return piece, err
		}
	}
	return piece, nil
}

// take takes memory for n bytes more.
func (b *body) take(n int64) bool {
	small, large := b.memory.shares()
	share, taken := small, &b.small
	if len(b.pieces) > 0 {
		share, taken = large, &b.large
	}
	if !share.Take(b.from, n) {
		return false
	}
	*taken += n
	return true
}

// free gives the memory back.
func (b *body) free() {
	small, large := b.memory.shares()
	small.Give(b.from, b.small)
	large.Give(b.from, b.large)
	b.pieces, b.small, b.large = nil, 0, 0
}

func (b *body) reader() io.Reader {
	all := make([]io.Reader, len(b.pieces))
	for i, p := range b.pieces {
		all[i] = bytes.NewReader(p)
	}
	return io.MultiReader(all...)
}

// bytes is a body that is small.
func (b *body) bytes() []byte {
	if len(b.pieces) == 1 {
		return b.pieces[0]
	}
	return slices.Concat(b.pieces...)
}

// decode reads JSON into v. A member of another type than expected is left out
// and the others are read: vendors add to their events, and a digit in quotes
// must not lose one.
func decode(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); odd {
		return nil
	}
	return err
}

// word is a string that some send as a number.
type word string

// UnmarshalJSON never fails: what is neither is empty.
func (w *word) UnmarshalJSON(data []byte) error {
	var text string
	switch {
	case json.Unmarshal(data, &text) == nil:
		*w = word(text)
	case len(data) > 0 && (data[0] == '-' || data[0] >= '0' && data[0] <= '9'):
		*w = word(data)
	}
	return nil
}

// maxTexts bounds what is looked at of variables.
const maxTexts = 16 << 10

// texts returns the strings in a JSON value, a line each.
func texts(data json.RawMessage) string {
	if len(data) == 0 || len(data) > maxBody {
		return ""
	}
	var out strings.Builder
	for d := json.NewDecoder(bytes.NewReader(data)); out.Len() < maxTexts; {
		token, err := d.Token()
		if err != nil {
			break
		}
		if text, ok := token.(string); ok {
			out.WriteString(text + "\n")
		}
	}
	return out.String()[:min(out.Len(), maxTexts)]
}

// digest names an event that its vendor gave no name.
func digest(event []byte) string {
	sum := sha256.Sum256(event)
	return hex.EncodeToString(sum[:16])
}
