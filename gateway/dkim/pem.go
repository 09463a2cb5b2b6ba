package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// MaxRSABits is the largest key that GenerateRSA makes: verifiers need not
// take larger ones (RFC 8301 section 3.2).
const MaxRSABits = 4096

// LoadKey reads a private key in PEM (PKCS#1 or PKCS#8) from a file. Its
// errors begin with the path and a colon and say what to do; one that wraps
// [ErrWeakKey] says that an RSA key is too short.
func LoadKey(domain, selector, path string) (Key, error) {
	text, err := readKeyFile(path)
	if err != nil {
		// The path is in our own words already.
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err
		}
		remedy := "name a file that the user who runs offramp can read"
		if errors.Is(err, fs.ErrNotExist) {
			remedy = "correct the path, or create a key with offramp keygen"
		}
		return Key{}, fmt.Errorf("%s: %w: %s", path, err, remedy)
	}
	signer, err := parsePrivateKey(text)
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", path, err)
	}
	key, err := Key{Domain: domain, Selector: selector, Signer: signer}.checked()
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const longest = 64 << 10 // a key is a few KiB; the path may be any file
	return io.ReadAll(io.LimitReader(f, longest))
}

const remedyGenerate = "create one with offramp keygen"

// parsePrivateKey returns the first private key in a PEM text.
func parsePrivateKey(text []byte) (crypto.Signer, error) {
	var other string
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return nil, errors.New("the key is encrypted: store it without a passphrase, readable for offramp alone")
		case block.Type == "RSA PRIVATE KEY":
			key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("damaged PKCS#1 key (%w): %s", err, remedyGenerate)
			}
			return signerOf(key)
		case block.Type == "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("damaged or unknown PKCS#8 key (%w): %s", err, remedyGenerate)
			}
			return signerOf(key)
		case other == "":
			other = block.Type
		}
	}
	if other != "" {
		return nil, fmt.Errorf("holds %q but no RSA or Ed25519 private key: name the file with the private key", other)
	}
	return nil, fmt.Errorf("is not a PEM file (-----BEGIN PRIVATE KEY-----): name the file with the private key, or %s", remedyGenerate)
}

func signerOf(key any) (crypto.Signer, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < MinRSABits {
			return nil, fmt.Errorf("%w: %d bits, at least %d are needed (RFC 8301): %s", ErrWeakKey, bits, MinRSABits, remedyGenerate)
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	default:
		return nil, fmt.Errorf("key type %T, want RSA or Ed25519: %s", key, remedyGenerate)
	}
}

// GenerateRSA returns a new private key in PEM (PKCS#8). Less than
// [MinRSABits] bits is [ErrWeakKey], more than [MaxRSABits] an error too.
func GenerateRSA(bits int) ([]byte, error) {
	if bits < MinRSABits {
		return nil, fmt.Errorf("%w: %d bits, at least %d are needed", ErrWeakKey, bits, MinRSABits)
	}
	if bits > MaxRSABits {
		return nil, fmt.Errorf("RSA key of %d bits: verifiers need not take more than %d", bits, MaxRSABits)
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("generate RSA key: %w", err)
	}
	return encodePKCS8(key)
}

// GenerateEd25519 returns a new private key in PEM (PKCS#8).
func GenerateEd25519() ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate Ed25519 key: %w", err)
	}
	return encodePKCS8(key)
}

func encodePKCS8(key any) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Record returns the text of the TXT record at SELECTOR._domainkey.DOMAIN
// (RFC 6376 section 3.6.1, RFC 8463 section 4.2). A record of more than 255
// bytes is published as several strings of one record.
func (k Key) Record() (string, error) {
	if _, _, err := k.algorithm(); err != nil {
		return "", err
	}
	switch pub := k.Signer.Public().(type) {
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub), nil
	default:
		der, err := x509.MarshalPKIXPublicKey(pub)
		if err != nil {
			return "", fmt.Errorf("encode public key of %s: %w", k.Domain, err)
		}
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
	}
}
