package store

import (
	"context"
	"time"
)

// Key is what is kept of an API key. The key itself is nowhere: who has the data
// cannot use it.
type Key struct {
	ID      string   // the part of the key that it is looked up by
	Hash    [32]byte // SHA-256 of the whole key
	Name    string   // what the operator calls it
	Scope   string   // what it may do
	Lists   []string // the only lists it is for; empty: it is for everything
	Created time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero: it is not
	Used    time.Time // zero: never
}

// MaxKeys is how many API keys there may be, with those that were revoked.
const MaxKeys = 1000

// Keys are the API keys. A change counts on every node with the next look-up: an
// engine keeps none of them in memory.
type Keys interface {
	// AddKey adds k, or returns ErrChanged when its ID is taken, and ErrFull when
	// there are MaxKeys. The place of a key that was revoked or has expired a year
	// before k.Created is free.
	AddKey(ctx context.Context, k Key) error
	// Key returns the key with that ID or ErrNotFound, also one that was revoked.
	Key(ctx context.Context, id string) (Key, error)
	// Keys returns all of them, oldest first.
	Keys(ctx context.Context) ([]Key, error)
	// RevokeKey revokes a key, or returns ErrNotFound. One that was revoked before
	// keeps its time, and changed is false.
	RevokeKey(ctx context.Context, id string, at time.Time) (changed bool, err error)
	// UseKeys records last uses in one transaction. A use never goes back, and
	// keys that are not there are left out.
	UseKeys(ctx context.Context, used map[string]time.Time) error
}
