package api

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"offramp/gateway/access"
	"offramp/store"
)

// keyring keeps API keys and requests in memory.
type keyring struct {
	mu       sync.Mutex
	keys     map[string]store.Key
	requests map[[32]byte]store.Request
}

func (k *keyring) AddKey(_ context.Context, one store.Key) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[one.ID] = one
	return nil
}

func (k *keyring) Key(_ context.Context, id string) (store.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	one, ok := k.keys[id]
	if !ok {
		return one, store.ErrNotFound
	}
	return one, nil
}

func (k *keyring) Keys(context.Context) (all []store.Key, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, one := range k.keys {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b store.Key) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func (k *keyring) RevokeKey(ctx context.Context, id string, at time.Time) (bool, error) {
	one, err := k.Key(ctx, id)
	if err != nil || !one.Revoked.IsZero() {
		return false, err
	}
	one.Revoked = at
	return true, k.AddKey(ctx, one)
}

func (k *keyring) UseKeys(context.Context, map[string]time.Time) error { return nil }

func (k *keyring) BeginRequest(_ context.Context, r store.Request, _ time.Time, _ store.RequestLimits) (store.Request, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, found := k.requests[r.ID]
	if !found {
		k.requests[r.ID] = r
	}
	return before, found, nil
}

func (k *keyring) EndRequest(_ context.Context, r store.Request, _ store.RequestLimits) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.requests[r.ID] = r
	return nil
}

func (k *keyring) DropRequest(_ context.Context, r store.Request) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.requests, r.ID)
	return nil
}

func (k *keyring) RetireRequests(context.Context, time.Time) (int64, error) { return 0, nil }

// newKeyring holds these keys.
func newKeyring(all ...store.Key) *keyring {
	k := &keyring{keys: map[string]store.Key{}, requests: map[[32]byte]store.Request{}}
	for _, one := range all {
		k.keys[one.ID] = one
	}
	return k
}

// withKeys gives the world API keys.
func (w *world) withKeys(rate int) *access.Access {
	k := newKeyring()
	a := &access.Access{Config: access.Config{Token: key, Rate: rate}, Keys: k, Requests: k, Now: func() time.Time { return start }}
	w.api.Access, w.api.Keys = a, a
	return a
}

// grant has a world take the token and keys, and returns one for each spec.
func (w *world) grant(specs ...access.Spec) (keys []string) {
	w.t.Helper()
	a := &access.Access{Config: access.Config{Token: key}, Keys: newKeyring(), Now: w.api.Now}
	w.api.Access, w.api.Keys = a, a
	w.handler = w.api.Handler()
	for _, s := range specs {
		_, one, err := a.Create(w.t.Context(), s)
		if err != nil {
			w.t.Fatal(err)
		}
		keys = append(keys, one)
	}
	return keys
}
