package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"offramp/store"
)

// Bounds of a key.
const (
	MaxName  = 100 // characters
	MaxLists = 100
	maxList  = 255 // bytes
)

// ErrSpec wraps what is wrong with a key that is asked for; its text is for the
// operator.
var ErrSpec = errors.New("invalid API key")

// Spec is a key that is asked for.
type Spec struct {
	Name    string
	Scope   Scope
	Lists   []string  // canonical; empty: for everything
	Expires time.Time // zero: never
}

func (s Spec) check(now time.Time) error {
	switch {
	case strings.TrimSpace(s.Name) == "" || !utf8.ValidString(s.Name) || utf8.RuneCountInString(s.Name) > MaxName || strings.ContainsFunc(s.Name, unicode.IsControl):
		return fmt.Errorf("%w: name must have 1 to %d printable characters", ErrSpec, MaxName)
	case s.Scope <= None || s.Scope > Admin:
		return fmt.Errorf("%w: scope must be read, write or admin", ErrSpec)
	case s.Scope == Admin && len(s.Lists) > 0:
		return fmt.Errorf("%w: a key for some lists takes the scope read or write: what needs admin is about everything", ErrSpec)
	case len(s.Lists) > MaxLists:
		return fmt.Errorf("%w: the number of lists of a key may be %d at most", ErrSpec, MaxLists)
	case !s.Expires.IsZero() && !s.Expires.After(now):
		return fmt.Errorf("%w: expires must be in the future", ErrSpec)
	}
	for i, list := range s.Lists {
		if list == store.AllLists || len(list) > maxList || slices.Contains(s.Lists[:i], list) {
			return fmt.Errorf("%w: name each list once", ErrSpec)
		}
	}
	return nil
}

// Create makes a key and returns it, which nobody can do again.
func (a *Access) Create(ctx context.Context, s Spec) (k store.Key, key string, err error) {
	now := a.now().UTC()
	if err := s.check(now); err != nil {
		return store.Key{}, "", err
	}
	id, key, err := newSecret(a.random())
	if err != nil {
		return store.Key{}, "", fmt.Errorf("random bytes: %w", err)
	}
	k = store.Key{ID: id, Hash: sha256.Sum256([]byte(key)), Name: s.Name, Scope: s.Scope.String(), Lists: s.Lists, Created: now, Expires: s.Expires}
	if err := a.Keys.AddKey(ctx, k); err != nil {
		return store.Key{}, "", err
	}
	a.log().InfoContext(ctx, "API key created", "key", id, "who", From(ctx).Who(), "scope", k.Scope, "lists", len(k.Lists))
	return k, key, nil
}

// All returns all keys, oldest first, with uses that are not recorded yet.
func (a *Access) All(ctx context.Context) ([]store.Key, error) {
	all, err := a.Keys.Keys(ctx)
	for i, k := range all {
		if at := a.used.last(k.ID); at.After(k.Used) {
			all[i].Used = at
		}
	}
	return all, err
}

// Revoke ends a key, by its ID or by the key itself: it is refused from now on,
// on every node.
func (a *Access) Revoke(ctx context.Context, key string) (changed bool, err error) {
	if id, ok := idOf(key); ok {
		key = id
	}
	changed, err = a.Keys.RevokeKey(ctx, key, a.now().UTC())
	if err == nil && changed {
		a.log().InfoContext(ctx, "API key revoked", "key", key, "who", From(ctx).Who())
	}
	return changed, err
}
