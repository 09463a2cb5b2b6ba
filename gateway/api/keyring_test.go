package api

import (
	"context"
	"slices"
	"time"

	"offramp/gateway/access"
	"offramp/store"
)

// keyring is API keys in memory.
type keyring struct{ all []store.Key }

func (r *keyring) AddKey(_ context.Context, k store.Key) error {
	r.all = append(r.all, k)
	return nil
}

func (r *keyring) Key(_ context.Context, id string) (store.Key, error) {
	if i := slices.IndexFunc(r.all, func(k store.Key) bool { return k.ID == id }); i >= 0 {
		return r.all[i], nil
	}
	return store.Key{}, store.ErrNotFound
}

func (r *keyring) Keys(context.Context) ([]store.Key, error) { return slices.Clone(r.all), nil }

func (r *keyring) RevokeKey(_ context.Context, id string, at time.Time) (bool, error) {
	i := slices.IndexFunc(r.all, func(k store.Key) bool { return k.ID == id })
	if i < 0 {
		return false, store.ErrNotFound
	}
	r.all[i].Revoked = at
	return true, nil
}

func (r *keyring) UseKeys(context.Context, map[string]time.Time) error { return nil }

// withKeys has a world take the token and keys, and returns one for each spec.
func (w *world) withKeys(specs ...access.Spec) (keys []string) {
	w.t.Helper()
	a := &access.Access{Config: access.Config{Token: key}, Keys: &keyring{}, Now: w.api.Now}
	w.api.Config, w.api.Access, w.api.Keys = a.Config, a, a
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
