package dkim

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Pieces hash as their bytes do, wherever a body is cut.
func TestPieces(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	alphabet := []string{"a", "word", " ", "\t", "\r\n", "\r", "\n", "\xff", "  b"}
	for range 5000 {
		var body []byte
		for range random.IntN(60) {
			body = append(body, alphabet[random.IntN(len(alphabet))]...)
		}
		whole, pieces := NewBodyHash(), NewBodyHash()
		whole.Write(body)
		for rest := body; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			pieces.WritePiece(NewBodyPiece(rest[:n]))
			rest = rest[n:]
		}
		if !bytes.Equal(whole.Sum(), pieces.Sum()) {
			t.Fatalf("%q: its pieces have another hash", body)
		}
	}
}
