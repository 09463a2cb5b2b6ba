package dkim

import (
	"bytes"
	"hash"
)

// BodyPiece is a piece of a body that many bodies have, in relaxed form already, so
// that hashing it once more costs the hash alone.
type BodyPiece struct {
	lead, trail []byte // white space and line ends, whose form what stands around decides
	text        []byte // between them, in relaxed form
}

// NewBodyPiece returns p as a piece. It holds on to parts of p.
func NewBodyPiece(p []byte) BodyPiece {
	const space = " \t\r\n"
	text := bytes.TrimLeft(p, space)
	piece := BodyPiece{lead: p[:len(p)-len(text)]}
	inner := bytes.TrimRight(text, space)
	piece.trail = text[len(inner):]
	if len(inner) > 0 {
		var out capture
		b := BodyHash{h: &out}
		_, _ = b.Write(inner) // never fails
		b.flush()
		piece.text = out.Bytes()
	}
	return piece
}

// WritePiece adds a piece as Write adds its bytes.
func (b *BodyHash) WritePiece(p BodyPiece) {
	_, _ = b.Write(p.lead) // never fails
	if len(p.text) > 0 {
		if b.cr {
			b.literalCR()
		}
		b.settle()
		b.emit(p.text)
	}
	_, _ = b.Write(p.trail)
}

// capture takes what would be hashed.
type capture struct{ bytes.Buffer }

var _ hash.Hash = (*capture)(nil)

func (*capture) Sum(b []byte) []byte { return b }
func (*capture) Size() int           { return 0 }
func (*capture) BlockSize() int      { return 1 }
