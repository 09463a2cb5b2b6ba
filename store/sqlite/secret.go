package sqlite

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
)

// settingsAEAD encrypts what consumers are reached with, secrets among it: a copy of
// the file alone reveals none.
func (p *people) settingsAEAD() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, p.key, nil, "offramp settings of consumers", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealed encrypts the settings of a consumer, for this consumer only.
func (p *people) sealed(random io.Reader, name string, settings []byte) ([]byte, error) {
	aead, err := p.settingsAEAD()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(settings)+aead.Overhead())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("nonce: %w", err)
	}
	return aead.Seal(nonce, nonce, settings, []byte(name)), nil
}

// unsealed decrypts what sealed made.
func (p *people) unsealed(name string, box []byte) (settings []byte, ok bool) {
	aead, err := p.settingsAEAD()
	if err != nil || len(box) < aead.NonceSize() {
		return nil, false
	}
	settings, err = aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], []byte(name))
	return settings, err == nil
}
