package consent_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/store"
)

// fakeStore keeps records in memory, as store.Consent promises.
type fakeStore struct {
	mu           sync.Mutex
	err          error // answer of every method
	reads        int
	choices      []store.Choice
	suppressions []store.Suppression
	events       []store.Event
}

func (f *fakeStore) SetChoice(ctx context.Context, c store.Choice, e store.Event) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return false, f.err
	}
	i := slices.IndexFunc(f.choices, func(o store.Choice) bool { return o.Recipient == c.Recipient && o.List == c.List })
	switch {
	case i < 0:
		f.choices = append(f.choices, c)
	case f.choices[i].State == c.State:
		return false, nil
	default:
		f.choices[i] = c
	}
	f.events = append(f.events, e)
	return true, nil
}

func (f *fakeStore) Suppress(ctx context.Context, s store.Suppression, e store.Event) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil || f.find(s) >= 0 {
		return false, f.err
	}
	f.suppressions = append(f.suppressions, s)
	f.events = append(f.events, e)
	return true, nil
}

func (f *fakeStore) Unsuppress(ctx context.Context, s store.Suppression, e store.Event) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.find(s)
	if f.err != nil || i < 0 {
		return false, f.err
	}
	f.suppressions = slices.Delete(f.suppressions, i, i+1)
	f.events = append(f.events, e)
	return true, nil
}

func (f *fakeStore) find(s store.Suppression) int {
	return slices.IndexFunc(f.suppressions, func(o store.Suppression) bool {
		return o.Recipient == s.Recipient && o.List == s.List && o.Reason == s.Reason
	})
}

func (f *fakeStore) Standing(ctx context.Context, recipient, list string) (st store.Standing, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	for _, c := range f.choices {
		if c.Recipient == recipient && (c.List == list || c.List == store.AllLists) {
			st.Choices = append(st.Choices, c)
		}
	}
	for _, s := range f.suppressions {
		if s.Recipient == recipient && (s.List == list || s.List == store.AllLists) {
			st.Suppressions = append(st.Suppressions, s)
		}
	}
	return st, f.err
}

var (
	_ consent.Store   = store.Consent(nil)
	_ consent.Records = store.Consent(nil)
)

func address(t testing.TB, s string) envelope.Address {
	t.Helper()
	a, err := envelope.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
