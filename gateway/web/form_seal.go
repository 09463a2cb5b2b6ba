package web

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// formLife is how long a form may be used after it was shown, and how long
// what was decided on the page can be undone.
const formLife = 30 * time.Minute

// clockSkew is how far apart the clocks of two nodes may be.
const clockSkew = time.Minute

var (
	errForeignForm = errors.New("form not made here")
	errOldForm     = errors.New("form too old")
)

// sealed is what a form knows of the moment it was made at. It travels with
// the form, under a MAC that also covers the link and the action.
type sealed struct {
	issued time.Time      // to the second
	seen   fingerprint    // what the person saw
	was    []consent.Wish // what stood for each scope that the form can change
	// refused is whether sharing was refused; nil: the form does not change it.
	refused *bool
}

// before returns what stood for a scope.
func (s sealed) before(list string) (consent.Wish, bool) {
	for _, w := range s.was {
		if w.List == list {
			return w, true
		}
	}
	return consent.Wish{}, false
}

const sealLabel = "offramp web form"

// wire is a sealed as it travels.
type wire struct {
	Issued  int64       `json:"t"`
	Seen    fingerprint `json:"s"`
	Was     []wireWish  `json:"w,omitempty"`
	Refused *bool       `json:"r,omitempty"`
}

type wireWish struct {
	List  string          `json:"l,omitempty"`
	State store.State     `json:"s"`
	Until int64           `json:"u,omitempty"`
	Every store.Frequency `json:"e,omitempty"`
}

// seal returns the hidden value of a form for one link and one action.
func (h *handler) seal(v visit, action string, s sealed) string {
	out := wire{Issued: s.issued.Unix(), Seen: s.seen, Refused: s.refused}
	for _, w := range s.was {
		part := wireWish{List: w.List, State: w.State, Every: w.Every}
		if w.State == store.Paused {
			part.Until = w.Until.UnixMicro()
		}
		out.Was = append(out.Was, part)
	}
	// Numbers, texts and a fixed shape: this cannot fail.
	head, _ := json.Marshal(out)
	mac := h.site.Tokens.MAC(sealLabel, []byte(v.token), []byte{byte(v.purpose)}, []byte(action), head)
	return base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(mac)
}

// unseal verifies f for the link v. It fails with errForeignForm for a form
// that was not made here for this link and action, and with errOldForm for
// one that was made too long ago.
func (h *handler) unseal(v visit, f form) (sealed, error) {
	first, second, _ := strings.Cut(f.seal, ".")
	head, errHead := base64.RawURLEncoding.Strict().DecodeString(first)
	mac, errMAC := base64.RawURLEncoding.Strict().DecodeString(second)
	if errHead != nil || errMAC != nil ||
		!h.site.Tokens.Verify(mac, sealLabel, []byte(v.token), []byte{byte(v.purpose)}, []byte(f.action), head) {
		return sealed{}, errForeignForm
	}
	var in wire
	if err := json.Unmarshal(head, &in); err != nil {
		return sealed{}, errForeignForm // of another release
	}
	s := sealed{issued: time.Unix(in.Issued, 0).UTC(), seen: in.Seen, refused: in.Refused}
	for _, w := range in.Was {
		wish := consent.Wish{List: w.List, State: w.State, Every: w.Every}
		if w.State == store.Paused {
			wish.Until = time.UnixMicro(w.Until).UTC()
		}
		s.was = append(s.was, wish)
	}
	age := h.now().Sub(s.issued)
	if age > formLife || age < -clockSkew {
		return s, errOldForm
	}
	return s, nil
}
