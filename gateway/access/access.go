package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"offramp/store"
)

// Why a request is refused.
var (
	// ErrNone: a key is needed and none was sent.
	ErrNone = errors.New("no API key")
	// ErrWrong: what was sent is not a key.
	ErrWrong = errors.New("wrong API key")
	// ErrRevoked and ErrExpired are only for who has the whole key.
	ErrRevoked = errors.New("revoked API key")
	ErrExpired = errors.New("expired API key")
	// ErrGuesses: the client's network sent too many wrong keys.
	ErrGuesses = errors.New("too many wrong API keys")
	// ErrElsewhere: the client is not on this machine, and sent no key.
	ErrElsewhere = errors.New("not on the same machine")
	// ErrHost: the client used a name for this machine that others can make point
	// here.
	ErrHost = errors.New("not a name of the same machine")
	// ErrRate: the caller has no requests left.
	ErrRate = errors.New("too many requests")
	// ErrScope: the caller's scope does not include what is asked for.
	ErrScope = errors.New("scope too narrow")
	// ErrBound: the caller is for some lists, and what is asked for is about others.
	ErrBound = errors.New("API key of other lists")
)

// Access knows the callers of the API. Its methods may be called once the fields
// are set; they must not change afterwards.
type Access struct {
	Config
	Keys     store.Keys       // nil: OFFRAMP_ADMIN_TOKEN is the only one
	Requests store.Requests   // nil: what an Idempotency-Key says is not remembered
	Random   io.Reader        // nil: crypto/rand
	Log      *slog.Logger     // nil: nothing is logged
	Now      func() time.Time // nil: time.Now

	guesses guesses
	rates   rates
	used    used
	counts  counts
}

// Client is where a request came from and what it brought.
type Client struct {
	Credential string // empty: none
	Addr       netip.Addr
	Local      bool   // on this machine
	Host       string // the name that it used for this machine
}

// Identify says who sent a request. A wrong key costs at most one look-up, and
// none once its network sent too many.
func (a *Access) Identify(ctx context.Context, c Client) (Grant, error) {
	g, err := a.identify(ctx, c)
	a.counts.refused(err)
	return g, err
}

func (a *Access) identify(ctx context.Context, c Client) (Grant, error) {
	switch {
	case c.Credential == "":
		return a.nameless(c)
	case a.isToken(c.Credential):
		return operator(TokenID, c.Credential, c.Local), nil
	}
	now := a.now()
	id, formed := idOf(c.Credential)
	if !a.guesses.may(c.Addr, id, now, a.Failures) {
		return Grant{}, ErrGuesses
	}
	if !formed {
		a.guesses.wrong(c.Addr, now)
		return Grant{}, ErrWrong
	}
	k, err := a.key(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Grant{}, err
	}
	hash := sha256.Sum256([]byte(c.Credential))
	if same := subtle.ConstantTimeCompare(hash[:], k.Hash[:]) == 1; !same || err != nil {
		a.guesses.wrong(c.Addr, now)
		return Grant{}, ErrWrong
	}
	a.guesses.right.Add(id, now)
	switch {
	case !k.Revoked.IsZero():
		return Grant{}, ErrRevoked
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return Grant{}, ErrExpired
	}
	a.used.note(id, now)
	return Grant{ID: id, Name: k.Name, Scope: ScopeOf(k.Scope), Lists: k.Lists, secret: secretOf(c.Credential)}, nil
}

// key looks a key up.
func (a *Access) key(ctx context.Context, id string) (store.Key, error) {
	if a.Keys == nil {
		return store.Key{}, store.ErrNotFound
	}
	return a.Keys.Key(ctx, id)
}

// nameless is who sent no key.
func (a *Access) nameless(c Client) (Grant, error) {
	switch {
	case a.Token != "":
		return Grant{}, ErrNone
	case !c.Local:
		return Grant{}, ErrElsewhere
	case !localName(c.Host):
		return Grant{}, ErrHost
	}
	return operator(LocalID, "", true), nil
}

// isToken compares digests, so that neither time nor length leaks anything.
func (a *Access) isToken(credential string) bool {
	got, want := sha256.Sum256([]byte(credential)), sha256.Sum256([]byte(a.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && a.Token != ""
}

func (a *Access) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

func (a *Access) random() io.Reader {
	if a.Random == nil {
		return rand.Reader
	}
	return a.Random
}

func (a *Access) log() *slog.Logger {
	if a.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return a.Log
}
