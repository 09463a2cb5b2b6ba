package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"offramp/gateway/outbox"
)

// Format is the shape of what a webhook is sent.
type Format string

// The formats.
const (
	Standard Format = "standard" // Standard Webhooks
	SendGrid Format = "sendgrid" // Event Webhook of Twilio SendGrid
	Postmark Format = "postmark" // webhooks of Postmark
	Mailgun  Format = "mailgun"  // webhooks of Mailgun
	Listmonk Format = "listmonk" // API of a listmonk
)

// Formats returns every format.
func Formats() []Format { return []Format{Standard, SendGrid, Postmark, Mailgun, Listmonk} }

// Act is what an opt-out becomes at a listmonk, which has no event for it.
type Act string

// The acts.
const (
	Complaint Act = "complaint" // a bounce of the type complaint: what follows is set there
	Blocklist Act = "blocklist" // the subscriber is put on the blocklist
)

// Settings are how a webhook is reached.
type Settings struct {
	URL     string   `json:"url"`
	Format  Format   `json:"format"`
	Act     Act      `json:"act,omitempty"`
	Secrets []Secret `json:"secrets,omitempty"` // newest first
}

// Secret is what calls are signed with.
type Secret struct {
	Value string    `json:"value"`
	Ends  time.Time `json:"ends,omitzero"` // zero: it does not
}

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %s", outbox.ErrSettings, fmt.Sprintf(format, args...))
}

const maxURL = 2000

// Parse reads settings as a consumer has them.
func Parse(raw []byte) (s Settings, err error) {
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, errors.New("the settings are not legible: set the webhook up again")
	}
	return s, nil
}

// Text is how a consumer has them.
func (s Settings) Text() []byte {
	raw, err := json.Marshal(s)
	if err != nil {
		panic("webhook: " + err.Error()) // strings and times only
	}
	return raw
}

// check completes settings and refuses what cannot be.
func (s *Settings) check() (*url.URL, error) {
	if s.Format == "" {
		s.Format = Standard
	}
	if !slices.Contains(Formats(), s.Format) {
		return nil, wrong("format %q: want standard, sendgrid, postmark, mailgun or listmonk", s.Format)
	}
	if s.Format != Listmonk && s.Act != "" {
		return nil, wrong("act is for the format listmonk only")
	}
	if s.Format == Listmonk && s.Act == "" {
		s.Act = Complaint
	}
	if s.Act != "" && s.Act != Complaint && s.Act != Blocklist {
		return nil, wrong("act %q: want complaint or blocklist", s.Act)
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || len(s.URL) > maxURL {
		return nil, wrong("url must be one such as https://crm.example.org/hooks/offramp")
	}
	u.Fragment = ""
	return u, nil
}

// MaskedURL is the URL without user name, password and the values of its query.
func (s Settings) MaskedURL() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	masked := ""
	if u.User != nil {
		masked = "***@"
	}
	query := ""
	if u.RawQuery != "" {
		query = "?***"
	}
	return u.Scheme + "://" + masked + u.Host + u.EscapedPath() + query
}

// signed says whether the calls of a format carry a signature.
func (f Format) signed() bool { return f == Standard || f == SendGrid || f == Mailgun }

const (
	whsec     = "whsec_"
	secretLen = 24 // bytes; Standard Webhooks asks for 24 to 64
)

// newSecret makes a secret of a format, and what the receiver is to know of it: the
// secret itself, or of SendGrid's the public key.
func (f Format) newSecret(random io.Reader) (secret, shown string, err error) {
	raw := make([]byte, 32)
	switch f {
	case Standard:
		_, err = io.ReadFull(random, raw[:secretLen])
		secret = whsec + base64.StdEncoding.EncodeToString(raw[:secretLen])
	case Mailgun:
		_, err = io.ReadFull(random, raw[:16])
		secret = hex.EncodeToString(raw[:16])
	case SendGrid:
		key, err := ecdsa.GenerateKey(elliptic.P256(), random)
		if err != nil {
			return "", "", err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return "", "", err
		}
		secret = base64.StdEncoding.EncodeToString(der)
		shown, err = publicKey(secret)
		return secret, shown, err
	}
	return secret, secret, err
}

// checkSecret refuses a secret of the operator's that cannot be one.
func (f Format) checkSecret(secret string) error {
	switch f {
	case Standard:
		if raw, err := standardKey(secret); err != nil || len(raw) < secretLen || len(raw) > 64 {
			return wrong("a secret must be whsec_ and 24 to 64 bytes in base64")
		}
	case Mailgun:
		if len(secret) < 16 || len(secret) > 200 {
			return wrong("a signing key must have 16 to 200 characters")
		}
	default:
		return wrong("a secret can be given for the formats standard and mailgun only")
	}
	return nil
}

func standardKey(secret string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, whsec))
}

func privateKey(secret string) (*ecdsa.PrivateKey, error) {
	der, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an ECDSA key")
	}
	return ec, nil
}

// publicKey is the verification key of SendGrid's format: base64 of DER.
func publicKey(secret string) (string, error) {
	key, err := privateKey(secret)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	return base64.StdEncoding.EncodeToString(der), err
}

// PublicKeys are those that a receiver of SendGrid's format verifies with, newest
// first; nil for other formats.
func (s Settings) PublicKeys() (all []string) {
	if s.Format != SendGrid {
		return nil
	}
	for _, one := range s.Secrets {
		if key, err := publicKey(one.Value); err == nil {
			all = append(all, key)
		}
	}
	return all
}

// valid are the secrets that sign at a time, newest first.
func (s Settings) valid(now time.Time) (all []string) {
	for _, one := range s.Secrets {
		if one.Ends.IsZero() || one.Ends.After(now) {
			all = append(all, one.Value)
		}
	}
	return all
}

// oldest signs where there is one signature only: a receiver has the time of the
// overlap to learn the next secret.
func (s Settings) oldest(now time.Time) string {
	all := s.valid(now)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}
