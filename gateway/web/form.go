package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"offramp/store"
)

// What the page's own form asks for.
const (
	actUnsubscribe = "unsubscribe"
	actUndo        = "undo"
)

// Names of the form's fields. The seal comes first, so that the first octets
// of a body tell our own form from what mail clients post.
const (
	fieldSeal   = "offramp-form"
	fieldAction = "action"
)

// formLife is how long a form may be used after it was shown, and how long
// an opt-out on the page can be undone.
const formLife = 30 * time.Minute

// clockSkew is how far apart the clocks of two nodes may be.
const clockSkew = time.Minute

// bodyHint is how much of a body is looked at.
const bodyHint = 8 << 10

// form is a body of the page's own form.
type form struct {
	action string
	seal   string
}

// readForm reads the body of a POST. own is false for everything but the
// page's own form, also for a body that cannot be read: what a mail client
// sends decides nothing.
func readForm(r *http.Request) (f form, own bool) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, bodyHint))
	if !bytes.HasPrefix(body, []byte(fieldSeal+"=")) {
		return form{}, false
	}
	// A form that does not parse is still ours, and then asks for nothing.
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return form{}, true
	}
	return form{action: values.Get(fieldAction), seal: values.Get(fieldSeal)}, true
}

var (
	errForeignForm = errors.New("form not made here")
	errOldForm     = errors.New("form too old")
)

// fingerprint identifies what a person chose when a form was made, so that a
// form cannot be used again once something changed.
type fingerprint [8]byte

func fingerprintOf(s store.Standing) fingerprint {
	sum := sha256.New()
	for _, c := range sortedChoices(s) {
		sum.Write([]byte(c.List))
		sum.Write([]byte{0})
		sum.Write([]byte(c.State))
		sum.Write(binary.BigEndian.AppendUint64([]byte{0}, uint64(c.Since.UnixMicro())))
	}
	return fingerprint(sum.Sum(nil))
}

// sortedChoices returns the choice for all lists first; engines need not
// keep an order. There are at most two.
func sortedChoices(s store.Standing) []store.Choice {
	if len(s.Choices) == 2 && s.Choices[1].List < s.Choices[0].List {
		return []store.Choice{s.Choices[1], s.Choices[0]}
	}
	return s.Choices
}

// sealed is the content of a form's seal: when it was made, for what state,
// and a MAC over both, the link and the action.
type sealed struct {
	issued time.Time // to the second
	seen   fingerprint
}

const (
	sealLabel = "offramp web form"
	sealHead  = 8 + len(fingerprint{})
)

func (s sealed) head() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 64), uint64(s.issued.Unix()))
	return append(b, s.seen[:]...)
}

// seal returns the hidden value of a form for one link and one action.
func (h *handler) seal(v visit, action string, s sealed) string {
	head := s.head()
	mac := h.site.Tokens.MAC(sealLabel, []byte(v.token), []byte{byte(v.purpose)}, []byte(action), head)
	return base64.RawURLEncoding.EncodeToString(append(head, mac...))
}

// unseal verifies f for the link v. It fails with errForeignForm for a form
// that was not made here for this link and action, and with errOldForm for
// one that was made too long ago.
func (h *handler) unseal(v visit, f form) (sealed, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(f.seal)
	if err != nil || len(raw) <= sealHead {
		return sealed{}, errForeignForm
	}
	head, mac := raw[:sealHead], raw[sealHead:]
	if !h.site.Tokens.Verify(mac, sealLabel, []byte(v.token), []byte{byte(v.purpose)}, []byte(f.action), head) {
		return sealed{}, errForeignForm
	}
	s := sealed{
		issued: time.Unix(int64(binary.BigEndian.Uint64(head)), 0),
		seen:   fingerprint(head[8:sealHead]),
	}
	age := h.now().Sub(s.issued)
	if age > formLife || age < -clockSkew {
		return s, errOldForm
	}
	return s, nil
}
