package consent_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/store"
)

// fakeStore keeps records in memory, as store.Consent promises.
type fakeStore struct {
	mu           sync.Mutex
	err          error            // answer of every method
	fails        map[string]error // answer of one method
	panics       string           // method that does
	reads        int
	choices      []store.Choice
	suppressions []store.Suppression
	sharing      []store.Sharing
	contacts     []store.Contact
	bounces      store.BounceRun // of whoever bounced last
	turns        []turn          // latest last
	events       []store.Event
	last         int64 // ID of the last event
	lists        []store.List
	erased       map[string]bool // by lookup key
	writes       []int           // sizes of the calls of Sent
	calls        map[string]int  // by method
	scrubs       int
	onEvents     func() // called by Events first
}

// turn is a turn that is taken.
type turn struct {
	store.Turn
	again int // takings by the same holder after the first
}

// begin locks; the answer is what the method fails with.
func (f *fakeStore) begin(method string) error {
	f.mu.Lock()
	if f.calls == nil {
		f.calls = make(map[string]int)
	}
	f.calls[method]++
	if f.panics == method {
		defer f.mu.Unlock()
		panic("made to")
	}
	if f.err != nil {
		return f.err
	}
	return f.fails[method]
}

func (f *fakeStore) Hash(recipient string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte("key"+recipient)))
}

// name is what a person is kept under. f.mu is held.
func (f *fakeStore) name(recipient string) string {
	if f.erased[recipient] {
		return f.Hash(recipient)
	}
	return recipient
}

// add keeps an event and returns its ID. f.mu is held.
func (f *fakeStore) add(e store.Event) int64 {
	if e.Once != "" && slices.ContainsFunc(f.events, func(o store.Event) bool { return o.Once == e.Once }) {
		return 0
	}
	f.last++
	e.ID, e.Recipient = f.last, f.name(e.Recipient)
	f.events = append(f.events, e)
	return e.ID
}

func (f *fakeStore) Decide(_ context.Context, c store.Change) (ids []int64, err error) {
	err = f.begin("Decide")
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	for i := range c.Choices {
		c.Choices[i].Choice.Recipient = f.name(c.Choices[i].Choice.Recipient)
	}
	if c.If != nil && !f.stands(c) {
		return nil, fmt.Errorf("decide: %w", store.ErrChanged)
	}
	for _, part := range c.Choices {
		i := slices.IndexFunc(f.choices, func(o store.Choice) bool {
			return o.Recipient == part.Choice.Recipient && o.List == part.Choice.List
		})
		switch {
		case i < 0:
			f.choices = append(f.choices, part.Choice)
		case f.choices[i].Same(part.Choice):
			continue
		default:
			f.choices[i] = part.Choice
		}
		ids = append(ids, f.add(part.Event))
	}
	if s := c.Sharing; s != nil && f.sharingOf(f.name(s.Sharing.Recipient)).Refused != s.Sharing.Refused {
		s.Sharing.Recipient = f.name(s.Sharing.Recipient)
		f.sharing = slices.DeleteFunc(f.sharing, func(o store.Sharing) bool { return o.Recipient == s.Sharing.Recipient })
		f.sharing = append(f.sharing, s.Sharing)
		ids = append(ids, f.add(s.Event))
	}
	return ids, nil
}

// stands says whether c.If is what is recorded. f.mu is held.
func (f *fakeStore) stands(c store.Change) bool {
	var name string
	if c.Sharing != nil {
		name = f.name(c.Sharing.Sharing.Recipient)
	} else {
		name = c.Choices[0].Choice.Recipient
	}
	now := f.person(name)
	return slices.EqualFunc(now.Choices, c.If.Choices, store.Choice.Same) && now.Sharing.Refused == c.If.Sharing.Refused
}

func (f *fakeStore) sharingOf(name string) store.Sharing {
	for _, s := range f.sharing {
		if s.Recipient == name {
			return s
		}
	}
	return store.Sharing{}
}

func (f *fakeStore) Suppress(_ context.Context, s store.Suppression, e store.Event) (bool, error) {
	err := f.begin("Suppress")
	defer f.mu.Unlock()
	s.Recipient = f.name(s.Recipient)
	if err != nil || f.find(s) >= 0 || e.Once != "" && slices.ContainsFunc(f.events, func(o store.Event) bool { return o.Once == e.Once }) {
		return false, err
	}
	f.suppressions = append(f.suppressions, s)
	f.add(e)
	return true, nil
}

func (f *fakeStore) Unsuppress(_ context.Context, s store.Suppression, e store.Event) (bool, error) {
	err := f.begin("Unsuppress")
	defer f.mu.Unlock()
	s.Recipient = f.name(s.Recipient)
	i := f.find(s)
	if err != nil || i < 0 {
		return false, err
	}
	f.suppressions = slices.Delete(f.suppressions, i, i+1)
	f.add(e)
	return true, nil
}

func (f *fakeStore) CountBounce(_ context.Context, b store.SoftBounce, e store.Event) (store.BounceRun, error) {
	err := f.begin("CountBounce")
	defer f.mu.Unlock()
	if err != nil {
		return store.BounceRun{}, err
	}
	if f.add(e) != 0 {
		f.bounces = f.bounces.After(b)
	}
	return f.bounces, nil
}

func (f *fakeStore) EndBounces(_ context.Context, _ string, delivered time.Time) (bool, error) {
	err := f.begin("EndBounces")
	defer f.mu.Unlock()
	if err != nil || f.bounces.Count == 0 || f.bounces.Last.After(delivered) {
		return false, err
	}
	f.bounces = store.BounceRun{}
	return true, nil
}

func (f *fakeStore) find(s store.Suppression) int {
	return slices.IndexFunc(f.suppressions, func(o store.Suppression) bool {
		return o.Recipient == s.Recipient && o.List == s.List && o.Reason == s.Reason
	})
}

func (f *fakeStore) Verified(context.Context) error { return nil }

func (f *fakeStore) Standing(_ context.Context, recipient, list string) (st store.Standing, err error) {
	err = f.begin("Standing")
	defer f.mu.Unlock()
	f.reads++
	p := f.person(f.name(recipient))
	for _, s := range f.suppressions {
		if slices.Contains(store.Patterns(recipient), s.Recipient) {
			p.Suppressions = append(p.Suppressions, s)
		}
	}
	for _, c := range p.Choices {
		if c.List == list || c.List == store.AllLists {
			st.Choices = append(st.Choices, c)
		}
	}
	for _, s := range p.Suppressions {
		if s.List == list || s.List == store.AllLists {
			st.Suppressions = append(st.Suppressions, s)
		}
	}
	st.Sharing, st.Erased = p.Sharing, f.erased[recipient]
	return st, err
}

func (f *fakeStore) Person(_ context.Context, recipient string) (store.Person, error) {
	err := f.begin("Person")
	defer f.mu.Unlock()
	p := f.person(f.name(recipient))
	p.Erased = f.erased[recipient]
	return p, err
}

// person collects what is kept under a name. f.mu is held.
func (f *fakeStore) person(name string) (p store.Person) {
	for _, c := range f.choices {
		if c.Recipient == name {
			p.Choices = append(p.Choices, c)
		}
	}
	for _, s := range f.suppressions {
		if s.Recipient == name {
			p.Suppressions = append(p.Suppressions, s)
		}
	}
	for _, c := range f.contacts {
		if c.Recipient == name {
			p.Contacts = append(p.Contacts, c)
		}
	}
	p.Sharing = f.sharingOf(name)
	return p
}

func (f *fakeStore) List(_ context.Context, id string) (store.List, error) {
	err := f.begin("List")
	defer f.mu.Unlock()
	if err != nil {
		return store.List{}, err
	}
	i := slices.IndexFunc(f.lists, func(l store.List) bool { return l.ID == id })
	if i < 0 {
		return store.List{}, fmt.Errorf("list: %w", store.ErrNotFound)
	}
	return f.lists[i], nil
}

func (f *fakeStore) Erase(_ context.Context, recipient string, e store.Event) error {
	err := f.begin("Erase")
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	if f.erased == nil {
		f.erased = make(map[string]bool)
	}
	f.erased[recipient] = true
	hash := f.Hash(recipient)
	mine := func(name string) bool { return name == recipient || name == hash }
	f.choices = slices.DeleteFunc(f.choices, func(c store.Choice) bool { return mine(c.Recipient) && c.List == store.AllLists })
	for i := range f.choices {
		if mine(f.choices[i].Recipient) {
			f.choices[i].Recipient = hash
		}
	}
	f.choices = append(f.choices, store.Choice{Recipient: hash, State: store.Unsubscribed, Since: e.Time, Way: e.Way})
	for i := range f.suppressions {
		if mine(f.suppressions[i].Recipient) {
			f.suppressions[i].Recipient, f.suppressions[i].Note = hash, ""
		}
	}
	for i := range f.sharing {
		if mine(f.sharing[i].Recipient) {
			f.sharing[i].Recipient = hash
		}
	}
	f.contacts = slices.DeleteFunc(f.contacts, func(c store.Contact) bool { return mine(c.Recipient) })
	f.events = slices.DeleteFunc(f.events, func(e store.Event) bool { return mine(e.Recipient) })
	f.add(e)
	return nil
}

func (f *fakeStore) Scrub(context.Context) error {
	err := f.begin("Scrub")
	defer f.mu.Unlock()
	f.scrubs++
	return err
}

func (f *fakeStore) AddEvents(ctx context.Context, events ...store.Event) error {
	err := f.begin("AddEvents")
	defer f.mu.Unlock()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	for _, e := range events {
		f.add(e)
	}
	return nil
}

func (f *fakeStore) Events(_ context.Context, q store.EventFilter) (found []store.Event, err error) {
	err = f.begin("Events")
	defer f.mu.Unlock()
	if f.onEvents != nil {
		f.onEvents()
	}
	for _, e := range f.events {
		if e.ID > q.After && e.Recipient == f.name(q.Recipient) && (q.List == nil || e.List == *q.List) && slices.Contains(q.Kinds, e.Kind) {
			e.Once = ""
			found = append(found, e)
		}
	}
	if q.Latest {
		slices.Reverse(found)
	}
	return found[:min(len(found), q.Limit)], err
}

// Retire takes at most two events at a time.
func (f *fakeStore) Retire(_ context.Context, before time.Time, e store.Event) (n int64, err error) {
	err = f.begin("Retire")
	defer f.mu.Unlock()
	if err != nil {
		return 0, err
	}
	for n < 2 && len(f.events) > 0 && f.events[0].Time.Before(before) {
		e.Ref = f.events[0].ID
		f.events = f.events[1:]
		n++
	}
	if n > 0 {
		f.add(e)
	}
	return n, nil
}

var (
	_ consent.Store   = store.Consent(nil)
	_ consent.Records = store.Consent(nil)
	_ consent.Turns   = store.Consent(nil)
	_ consent.Lists   = store.Consent(nil)
	_ consent.Mail    = store.Spool(nil)
)

func address(t testing.TB, s string) envelope.Address {
	t.Helper()
	a, err := envelope.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
