package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"offramp/store"
)

// code is that of a person in one spelling.
func code(n byte, recipient, address string) store.Code {
	return store.Code{ID: [16]byte{0, n, 0xff, 15: n}, Recipient: recipient, Address: address}
}

func wantAddress(t *testing.T, c store.Consent, k store.Code, want string) {
	t.Helper()
	got, err := c.AddressOfCode(context.Background(), k.ID)
	must(t, err)
	same(t, "address of a code", got, want)
}

func codes(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	p, q, other := code(1, "p@x.example", "P@x.example"), code(2, "q@x.example", odd+"@x.example"), code(3, "p@x.example", "p@x.example")
	if _, err := c.AddressOfCode(ctx, p.ID); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("unknown code: %v", err)
	}
	for range 2 { // what is there already is kept too
		for _, k := range []store.Code{p, q, other} {
			wantChange(t, "kept", true)(c.KeepCode(ctx, k))
		}
	}
	// Neither time takes them, nor what is recorded of the person otherwise.
	for n := int64(1); n > 0; {
		var err error
		n, err = c.Retire(ctx, at(1000), store.Event{Time: at(1000), Kind: store.EventRetired})
		must(t, err)
	}
	c, _ = d.Open(t)
	wantAddress(t, c, p, "P@x.example")
	wantAddress(t, c, q, odd+"@x.example")
	wantAddress(t, c, other, "p@x.example")
	if _, err := c.AddressOfCode(ctx, code(4, "", "").ID); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("unknown code: %v", err)
	}
}

// codesErased: of who was erased the codes stay and the address goes, in every
// spelling, and it does not come back.
func codesErased(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	p, other, q := code(1, "p@x.example", "P@x.example"), code(2, "p@x.example", "p@x.example"), code(3, "q@x.example", "q@x.example")
	for _, k := range []store.Code{p, other, q} {
		wantChange(t, "kept", true)(c.KeepCode(ctx, k))
	}
	must(t, c.Erase(ctx, "p@x.example", store.Event{Time: at(9), Kind: store.EventErased, Way: store.Page}))
	must(t, c.Scrub(ctx))
	again := code(4, "p@x.example", "P@X.example")
	for range 2 {
		for _, k := range []store.Code{p, other} {
			wantAddress(t, c, k, "")
			wantChange(t, "kept of who was erased", false)(c.KeepCode(ctx, k))
			wantAddress(t, c, k, "")
		}
		wantChange(t, "a new one of who was erased", false)(c.KeepCode(ctx, again))
		if _, err := c.AddressOfCode(ctx, again.ID); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("a new code of who was erased: %v", err)
		}
		wantAddress(t, c, q, "q@x.example")
		c, _ = d.Open(t)
	}
}

// codesAtOnce: whoever is told that a code is kept finds it.
func codesAtOnce(t *testing.T, d Data) {
	ctx := context.Background()
	c, _ := d.Open(t)
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			k := code(byte(n%10), fmt.Sprintf("p%d@x.example", n%10), fmt.Sprintf("P%d@x.example", n%10))
			kept, err := c.KeepCode(ctx, k)
			if err != nil || !kept {
				t.Errorf("kept %v, %v", kept, err)
			}
			if got, err := c.AddressOfCode(ctx, k.ID); err != nil || got != k.Address {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	all.Wait()
}
