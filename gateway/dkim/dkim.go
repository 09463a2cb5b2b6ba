// Package dkim signs mail with DomainKeys Identified Mail.
//
// It keeps RFC 6376 with the algorithms of RFC 8301 (rsa-sha256 with keys of
// at least 2048 bits) and RFC 8463 (ed25519-sha256), always relaxed/relaxed.
// The body hash does not depend on the header (RFC 6376 section 3.7), so it is
// computed once per message ([BodyHash]) and shared by the signatures of all
// recipients ([Key.Sign]). Both algorithms are deterministic: the same input
// gives the same bytes, so a retry sends what the first attempt sent.
//
// Line ends are normalised before anything gets here: every CR and LF is part of
// a CRLF. No tag l= is ever written (RFC 6376 section 8.2), and no i= or q=,
// whose defaults are what we want.
package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// MinRSABits is the least size of an RSA key (RFC 8301 section 3.2).
const MinRSABits = 2048

// ErrWeakKey says that an RSA key has less than [MinRSABits] bits.
var ErrWeakKey = errors.New("RSA key too short")

// Key signs for one domain and selector.
type Key struct {
	Domain   string        // signing domain (SDID, tag d=): lower-case A-label
	Selector string        // tag s=
	Signer   crypto.Signer // RSA of MinRSABits or more, or Ed25519
}

// algorithm returns the value of tag a= and how the signer is to be called.
func (k Key) algorithm() (name string, opts crypto.SignerOpts, err error) {
	if k.Signer == nil {
		return "", nil, fmt.Errorf("DKIM key %s of %s has no signer", k.Selector, k.Domain)
	}
	switch pub := k.Signer.Public().(type) {
	case *rsa.PublicKey:
		if bits := pub.N.BitLen(); bits < MinRSABits {
			return "", nil, fmt.Errorf("DKIM key %s of %s: %w: %d bits, at least %d are needed",
				k.Selector, k.Domain, ErrWeakKey, bits, MinRSABits)
		}
		return "rsa-sha256", crypto.SHA256, nil
	case ed25519.PublicKey:
		// RFC 8463 section 3: PureEdDSA over the SHA-256 of the data.
		return "ed25519-sha256", crypto.Hash(0), nil
	default:
		return "", nil, fmt.Errorf("DKIM key %s of %s: key type %T, want RSA or Ed25519", k.Selector, k.Domain, pub)
	}
}

// Sign returns a DKIM-Signature field, folded below 78 columns, with CRLF at
// its end. It belongs in front of fields.
//
// fields are the fields of the header from top to bottom, each raw with its
// CRLF. What no verifier takes for a field (no colon, an mbox "From " line) is
// passed over. bodyHash comes from [BodyHash.Sum]. t is the time of acceptance
// and becomes tag t=, which a zero t leaves out. without is what the signature
// does not cover, since a later hop replaces it: usually nothing.
func (k Key) Sign(fields [][]byte, bodyHash []byte, t time.Time, without Fields) ([]byte, error) {
	algorithm, opts, err := k.algorithm()
	if err != nil {
		return nil, err
	}
	if len(bodyHash) != sha256.Size {
		return nil, fmt.Errorf("sign for %s: body hash of %d bytes, want %d", k.Domain, len(bodyHash), sha256.Size)
	}
	data, names := signedData(fields, without)

	w := newFieldWriter("DKIM-Signature:")
	w.tag("v=1;")
	w.tag("a=" + algorithm + ";")
	w.tag("c=relaxed/relaxed;")
	w.tag("d=" + k.Domain + ";")
	w.tag("s=" + k.Selector + ";")
	if unix := t.Unix(); unix > 0 {
		w.tag("t=" + strconv.FormatInt(unix, 10) + ";")
	}
	w.tag("bh=" + base64.StdEncoding.EncodeToString(bodyHash) + ";")
	w.list("h=", names)
	w.tag("b=")

	// RFC 6376 section 3.7: the field itself comes last, with an empty b= and
	// without its CRLF.
	data = appendRelaxed(data, w.out)
	digest := sha256.Sum256(data[:len(data)-2])
	signature, err := k.Signer.Sign(rand.Reader, digest[:], opts)
	if err != nil {
		return nil, fmt.Errorf("sign for %s with %s: %w", k.Domain, k.Selector, err)
	}
	w.fill(base64.StdEncoding.EncodeToString(signature))
	return append(w.out, '\r', '\n'), nil
}

// maxColumns keeps every line of our field below 78 columns.
const maxColumns = 77

// fieldWriter puts a field together and folds it. It never folds right after
// the field's colon, which some signers further on do not survive.
type fieldWriter struct {
	out    []byte
	column int
}

func newFieldWriter(name string) *fieldWriter {
	w := &fieldWriter{out: make([]byte, 0, 1536)}
	w.add(name)
	return w
}

func (w *fieldWriter) add(s string) {
	w.out = append(w.out, s...)
	w.column += len(s)
}

func (w *fieldWriter) fold() {
	w.out = append(w.out, "\r\n "...)
	w.column = 1
}

// tag adds s after a space or, when the line would grow too long, a fold.
func (w *fieldWriter) tag(s string) {
	if w.column+1+len(s) > maxColumns {
		w.fold()
	} else {
		w.add(" ")
	}
	w.add(s)
}

// list adds a tag whose items are joined by colons, with folds after colons
// (FWS is allowed there, RFC 6376 section 3.5).
func (w *fieldWriter) list(tag string, items []string) {
	for i, item := range items {
		end := ":"
		if i == len(items)-1 {
			end = ";"
		}
		switch {
		case i == 0:
			w.tag(tag + item + end)
			continue
		case w.column+len(item)+len(end) > maxColumns:
			w.fold()
		}
		w.add(item)
		w.add(end)
	}
}

// fill adds s and folds wherever a line is full, as base64 allows.
func (w *fieldWriter) fill(s string) {
	for len(s) > 0 {
		n := min(maxColumns-w.column, len(s))
		w.add(s[:n])
		if s = s[n:]; len(s) > 0 {
			w.fold()
		}
	}
}
