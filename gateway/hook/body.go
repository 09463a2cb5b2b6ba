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
	"slices"
	"strings"
	"sync/atomic"
)

const (
	// maxBody is how much of a body is read of whoever calls: one report has a
	// small part of it.
	maxBody = 1 << 20
	// maxBatch is how much is read of a call whose header is as its vendor makes
	// it. A vendor that has to repeat its calls sends larger batches.
	maxBatch = 32 << 20
	// maxLarge bounds what all bodies together have in memory beyond maxBody.
	maxLarge = 64 << 20
)

// body is what a call says, in pieces of maxBody bytes, so that a large one is
// never copied as a whole.
type body struct {
	pieces [][]byte
	taken  int64 // of the memory for large bodies
}

// fill reads a body to its end.
func (b *body) fill(r io.Reader, large *atomic.Int64) error {
	for {
		var piece bytes.Buffer
		n, err := piece.ReadFrom(io.LimitReader(r, maxBody))
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return fmt.Errorf("%w: more than %d bytes", errTooLarge, tooLarge.Limit)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
		if n > 0 {
			b.pieces = append(b.pieces, piece.Bytes())
		}
		if n < maxBody {
			return nil
		}
		if large.Add(maxBody) > maxLarge {
			large.Add(-maxBody)
			return fmt.Errorf("%w: too many large calls at once", errLater)
		}
		b.taken += maxBody
	}
}

// free gives the memory back.
func (b *body) free(large *atomic.Int64) {
	large.Add(-b.taken)
	b.pieces, b.taken = nil, 0
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
