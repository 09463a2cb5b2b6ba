package consent_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// fakeSpool is mail that waits; of those in leased attempts run.
type fakeSpool struct {
	mu      sync.Mutex
	waiting []string
	leased  []string
	err     error
}

func (s *fakeSpool) Forget(_ context.Context, match func(string) bool) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.waiting)
	s.waiting = slices.DeleteFunc(s.waiting, match)
	n := before - len(s.waiting)
	for _, a := range s.leased {
		if match(a) {
			n++
		}
	}
	return n, s.err
}

func TestErase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := records{choice("news", store.Unsubscribed), limited("shop", store.Daily), refuses, thirdParty}.store()
		spool := &fakeSpool{waiting: []string{"ANNA@example.net", "ben@example.net", "not an address"}}
		b := startRun(t, f)
		b.Mail = spool
		anna := address(t, "Anna@example.net")
		s := consent.Subject{Recipient: anna, List: "shop"}
		if err := b.Explain(t.Context(), s, "Anna is tired of it", store.Page, evidence); err != nil {
			t.Fatal(err)
		}
		b.deliver("anna@example.net", "shop", 1)
		b.deliver("ben@example.net", "shop", 1)
		for range 2 { // repeating it is harmless
			if err := b.Erase(t.Context(), anna, store.Page, consent.Evidence{Who: "ops", IP: "192.0.2.1", UserAgent: "Mail/1.0", MessageID: "<1@example.net>"}); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(spool.waiting, " "); got != "ben@example.net not an address" || f.scrubs != 2 {
			t.Errorf("waiting %q, scrubs asked for %d times", got, f.scrubs)
		}
		e := f.events[0]
		if len(f.events) != 1 || e.Kind != store.EventErased || e.Recipient != f.Hash(anna.Key()) || e.Who != "ops" || e.Way != store.Page ||
			e.IP+e.UserAgent+e.MessageID != "" {
			t.Errorf("events %+v", f.events)
		}
		if v, err := b.Verdict(t.Context(), anna, "third"); err != nil || v.Reason != store.ReasonErased {
			t.Errorf("Verdict = %+v, %v", v, err)
		}
		if p, err := b.Person(t.Context(), anna); err != nil || !p.Erased || len(p.Choices) != 3 || !p.Sharing.Refused {
			t.Errorf("Person = %+v, %v", p, err)
		}
		b.run()
		b.pass(time.Second)
		b.end()
		f.turns, f.lists, f.erased = nil, nil, nil // the fake's own
		if len(f.contacts) != 1 || strings.Contains(strings.ToLower(fmt.Sprintf("%+v", f)), "anna") {
			t.Errorf("kept: %+v", f)
		}
	})
}

func TestEraseWaitsForMailThatIsBeingSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, spool := &fakeStore{}, &fakeSpool{leased: []string{"anna@example.net"}}
		c := newConsent(f)
		c.Mail = spool
		anna := address(t, "anna@example.net")
		began := time.Now()
		if err := c.Erase(t.Context(), anna, store.Page, consent.Evidence{}); !errors.Is(err, consent.ErrSending) || time.Since(began) > 10*time.Second {
			t.Errorf("Erase = %v after %v", err, time.Since(began))
		}
		if f.scrubs != 1 {
			t.Error("nobody is asked to scrub what can be")
		}
		time.AfterFunc(4*time.Second, func() {
			spool.mu.Lock()
			defer spool.mu.Unlock()
			spool.leased = nil
		})
		if err := c.Erase(t.Context(), anna, store.Page, consent.Evidence{}); err != nil {
			t.Errorf("Erase = %v", err)
		}
	})
}

func TestEraseThatFails(t *testing.T) {
	anna := address(t, "anna@example.net")
	for name, fail := range map[string]func(*fakeStore, *fakeSpool){
		"erase": func(f *fakeStore, _ *fakeSpool) { f.fails = map[string]error{"Erase": store.ErrUnavailable} },
		"mail":  func(_ *fakeStore, s *fakeSpool) { s.err = store.ErrUnavailable },
		"scrub": func(f *fakeStore, _ *fakeSpool) { f.fails = map[string]error{"Scrub": store.ErrUnavailable} },
	} {
		f, spool := &fakeStore{}, &fakeSpool{}
		c := newConsent(f)
		c.Mail = spool
		fail(f, spool)
		if err := c.Erase(t.Context(), anna, store.Page, consent.Evidence{}); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		f.fails, spool.err = nil, nil
		if err := c.Erase(t.Context(), anna, store.Page, consent.Evidence{}); err != nil {
			t.Errorf("%s, repeated: %v", name, err)
		}
	}
	c := newConsent(&fakeStore{})
	if err := c.Erase(t.Context(), consent.Subject{}.Recipient, store.Page, consent.Evidence{}); !errors.Is(err, consent.ErrSubject) {
		t.Errorf("Erase of nobody = %v", err)
	}
}

// copies counts how often it was emptied.
type copies struct {
	emptied int
	err     error
}

func (c *copies) Empty() error { c.emptied++; return c.err }

// What came back and is kept may name the person.
func TestEraseEmptiesWhatIsKept(t *testing.T) {
	k := &copies{}
	c := newConsent(&fakeStore{})
	c.Copies = k
	anna := address(t, "anna@example.net")
	if err := c.Erase(t.Context(), anna, store.Page, evidence); err != nil || k.emptied != 1 {
		t.Errorf("%v, emptied %d times", err, k.emptied)
	}
	k.err = errors.New("cannot remove")
	if err := c.Erase(t.Context(), anna, store.Page, evidence); !errors.Is(err, k.err) {
		t.Errorf("Erase = %v", err)
	}
}
