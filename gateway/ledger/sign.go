package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

var (
	// ErrKey says that a seed, a name or a public key is invalid.
	ErrKey = errors.New("not a key for receipts")
	// ErrSignature says that no given key signed a text as it is now.
	ErrSignature = errors.New("not signed by a known key")
)

// Signer signs receipts. Safe for concurrent use.
type Signer struct {
	signer   note.Signer
	verifier string
}

// algorithm is the note format's number of Ed25519.
const algorithm = 1

// NewSigner makes a signer of a 32-byte seed; name is the host of the
// gateway, without spaces and plus signs. Other arguments are [ErrKey].
func NewSigner(name string, seed []byte) (*Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: the seed has %d bytes, not %d", ErrKey, len(seed), ed25519.SeedSize)
	}
	public, ok := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: the seed has no public key", ErrKey)
	}
	verifier, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrKey, name, err)
	}
	// The text form of a private key, as the package note documents it. The
	// hash names the key: four bytes over name, newline and public key.
	hash := sha256.Sum256(append([]byte(name+"\n"), append([]byte{algorithm}, public...)...))
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%x+%s", name, hash[:4],
		base64.StdEncoding.EncodeToString(append([]byte{algorithm}, seed...))))
	if err != nil {
		return nil, fmt.Errorf("%w: the name %q has a space or a plus sign", ErrKey, name)
	}
	return &Signer{signer: signer, verifier: verifier}, nil
}

// Sign returns the receipt as signed text. A receipt without a recipient, event
// or time, or with a value that is not one line, is [ErrReceipt].
func (s *Signer) Sign(r Receipt) ([]byte, error) {
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: text}, s.signer)
	if err != nil {
		return nil, fmt.Errorf("sign receipt: %w", err)
	}
	return signed, nil
}

// Verifier is the public key, as text to publish.
func (s *Signer) Verifier() string { return s.verifier }

// maxText is more than any receipt has, in bytes.
const maxText = 16 << 10

// OpenReceipt returns a receipt that one of the public keys signed. Errors are
// [ErrKey], [ErrSignature], and [ErrReceipt] for text that is not a receipt, signed or
// not.
func OpenReceipt(text []byte, verifiers ...string) (Receipt, error) {
	var known []note.Verifier
	seen := map[string]bool{} // a key given twice would be refused as ambiguous
	for _, key := range verifiers {
		v, err := note.NewVerifier(key)
		if err != nil {
			return Receipt{}, fmt.Errorf("%w: %q", ErrKey, key)
		}
		if !seen[key] {
			known = append(known, v)
		}
		seen[key] = true
	}
	if len(text) > maxText {
		return Receipt{}, fmt.Errorf("%w: it has %d bytes", ErrReceipt, len(text))
	}
	n, err := note.Open(text, note.VerifierList(known...))
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified), errors.As(err, &invalid):
		return Receipt{}, fmt.Errorf("%w: %w", ErrSignature, err)
	case err != nil:
		return Receipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if !bytes.Equal(text, plain(n)) {
		return Receipt{}, fmt.Errorf("%w: there is extra text beside the signature", ErrReceipt)
	}
	return parse(n.Text)
}

// plain writes a note with its first signature alone, in the one form that the
// signature has: base64 has others, with bits in the last letter that nobody
// reads.
func plain(n *note.Note) []byte {
	sig := n.Sigs[0]
	raw, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
	if err != nil {
		return nil
	}
	return fmt.Appendf(nil, "%s\n— %s %s\n", n.Text, sig.Name, base64.StdEncoding.EncodeToString(raw))
}
