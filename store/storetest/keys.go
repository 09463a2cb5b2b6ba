package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/store"
)

// Keys checks what store.Keys and store.Requests promise. The engine's
// store.Consent has both.
func Keys(t *testing.T, newData func(t *testing.T) Data) {
	t.Helper()
	runAll(t, newData, []test{
		{"keys", keys},
		{"keys at once", keysAtOnce},
		{"too many keys", keysFull},
		{"requests", requests},
		{"requests at once", requestsAtOnce},
		{"requests whose holder ended", requestsTakenOver},
		{"requests within limits", requestLimits},
		{"requests retired", requestsRetired},
	})
}

// openKeys opens the data as the owner of API keys.
func openKeys(t *testing.T, d Data) interface {
	store.Keys
	store.Requests
} {
	t.Helper()
	c, _ := d.Open(t)
	k, ok := c.(interface {
		store.Keys
		store.Requests
	})
	if !ok {
		t.Fatalf("%T has no API keys", c)
	}
	return k
}

func apiKey(id string, second int) store.Key {
	return store.Key{ID: id, Hash: [32]byte{1, 0, 0xff, 31: 9}, Name: "name of " + id + odd, Scope: "write", Lists: []string{"", "a.example", odd}, Created: at(second), Expires: at(second + 900)}
}

// keptKey is what an engine makes of a key.
func keptKey(k store.Key) store.Key {
	for _, t := range []*time.Time{&k.Created, &k.Expires, &k.Revoked, &k.Used} {
		if !t.IsZero() {
			*t = kept(*t)
		}
	}
	return k
}

func keys(t *testing.T, d Data) {
	ctx := context.Background()
	c := openKeys(t, d)
	if _, err := c.Key(ctx, "one"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("unknown key: %v", err)
	}
	if _, err := c.RevokeKey(ctx, "one", at(1)); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("unknown key revoked: %v", err)
	}
	one, two, bare := apiKey("one", 3), apiKey(odd, 2), store.Key{ID: "three", Scope: "admin", Created: at(4)}
	for _, k := range []store.Key{one, two, bare} {
		must(t, c.AddKey(ctx, k))
		if err := c.AddKey(ctx, store.Key{ID: k.ID, Scope: "admin", Created: at(9)}); !errors.Is(err, store.ErrChanged) {
			t.Fatalf("added twice: %v", err)
		}
	}
	must(t, c.UseKeys(ctx, map[string]time.Time{"one": at(20), "nobody": at(20)}))
	must(t, c.UseKeys(ctx, map[string]time.Time{"one": at(10), "three": at(30)}))
	must(t, c.UseKeys(ctx, nil))
	wantChange(t, "revoked", true)(c.RevokeKey(ctx, "three", at(40)))
	wantChange(t, "revoked again", false)(c.RevokeKey(ctx, "three", at(41)))
	one.Used, bare.Used, bare.Revoked = at(20), at(30), at(40)
	for range 2 {
		for _, k := range []store.Key{one, two, bare} {
			got, err := c.Key(ctx, k.ID)
			must(t, err)
			same(t, "key", got, keptKey(k))
		}
		all, err := c.Keys(ctx)
		must(t, err)
		same(t, "keys", all, []store.Key{keptKey(two), keptKey(one), keptKey(bare)})
		c = openKeys(t, d)
	}
}

// keysAtOnce: one of those who want an ID gets it, and one revokes it.
func keysAtOnce(t *testing.T, d Data) {
	ctx := context.Background()
	c := openKeys(t, d)
	var all sync.WaitGroup
	var added, revoked atomic.Int64
	for range 20 {
		all.Go(func() {
			if err := c.AddKey(ctx, apiKey("one", 1)); err == nil {
				added.Add(1)
			} else if !errors.Is(err, store.ErrChanged) {
				t.Error(err)
			}
			changed, err := c.RevokeKey(ctx, "one", at(2))
			if err != nil {
				t.Error(err)
			}
			if changed {
				revoked.Add(1)
			}
			if k, err := c.Key(ctx, "one"); err != nil || k.Revoked.IsZero() {
				t.Errorf("found after it was revoked: %+v, %v", k, err)
			}
		})
	}
	all.Wait()
	if added.Load() != 1 || revoked.Load() != 1 {
		t.Errorf("%d added, %d revoked", added.Load(), revoked.Load())
	}
}

func keysFull(t *testing.T, d Data) {
	ctx := context.Background()
	c := openKeys(t, d)
	var all sync.WaitGroup
	for i := range store.MaxKeys {
		all.Go(func() {
			k := apiKey(fmt.Sprint(i), 1)
			k.Expires = time.Time{}
			if err := c.AddKey(ctx, k); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := c.AddKey(ctx, apiKey("more", 2)); !errors.Is(err, store.ErrFull) {
		t.Fatalf("one too many: %v", err)
	}
	wantChange(t, "revoked", true)(c.RevokeKey(ctx, "7", at(3)))
	later := apiKey("more", 4)
	if err := c.AddKey(ctx, later); !errors.Is(err, store.ErrFull) {
		t.Fatalf("in the place of one that was just revoked: %v", err)
	}
	later.Created = at(3).Add(366 * 24 * time.Hour)
	must(t, c.AddKey(ctx, later))
	if _, err := c.Key(ctx, "7"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("the key that made room: %v", err)
	}
}
