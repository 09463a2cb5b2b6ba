package footer

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"io"
	"testing"

	"offramp/gateway/mime"
)

// FuzzPlan: whatever comes, nothing fails, all that is not the line stays, and
// the line is found again.
func FuzzPlan(f *testing.F) {
	for _, l := range letters(f) {
		if len(l.raw) < 20<<10 {
			f.Add(l.raw, false)
		}
	}
	noise := make([]byte, 300)
	_, _ = rand.Read(noise) // never fails
	f.Add([]byte("Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"+base64.StdEncoding.EncodeToString(noise)), true)
	texts := newFooter(f, "")
	f.Fuzz(func(t *testing.T, message []byte, first bool) {
		if len(message) > 256<<10 || bytes.IndexByte(message, 0) >= 0 {
			return // refused before
		}
		l := newLetter("fuzz", message)
		h, in, err := mime.Reader{}.Read(bytes.NewReader(l.raw))
		if err != nil {
			return
		}
		body, err := io.ReadAll(in)
		if err != nil {
			return
		}
		plan, out := l.with(t, texts, first)
		if out == nil {
			return
		}
		again := l
		again.raw = out
		if plan, _ := again.with(t, texts, first); plan.Result != Own {
			t.Fatalf("the line is not found again: %s in %q", plan, out)
		}
		out = out[len(h.Without()):]
		edits := plan.Edits(link, first)
		pos, rest := int64(0), out
		for _, e := range edits {
			if e.Offset < pos || e.Offset+e.Length > int64(len(body)) {
				t.Fatalf("edit at %d of %d bytes, behind %d", e.Offset, len(body), pos)
			}
			for _, piece := range [][]byte{body[pos:e.Offset], e.Text} {
				var ok bool
				if rest, ok = bytes.CutPrefix(rest, piece); !ok {
					t.Fatalf("got %q, want %q", rest, piece)
				}
			}
			if e.Length > 5 { // one group of base64 or one "=", with line ends inside
				if clean := bytes.Join(bytes.Fields(body[e.Offset:e.Offset+e.Length]), nil); len(clean) > 4 {
					t.Fatalf("%q is written anew", clean)
				}
			}
			pos = e.Offset + e.Length
		}
		if !bytes.Equal(rest, body[pos:]) {
			t.Fatalf("got %q, want %q", rest, body[pos:])
		}
	})
}
