package consent

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"offramp/store"
)

const (
	perWrite = 500    // deliveries recorded in one transaction
	mostHeld = 50_000 // deliveries in memory, some 10 MiB
)

// counts are deliveries that were not recorded with their person yet. Those
// that a killed process held are lost: what a limit needs is in the turns.
type counts struct {
	mu   sync.Mutex
	held []store.Contact // oldest first
	many chan struct{}   // signalled when perWrite are held; made by whoever listens

	// writing is held while counts are on their way to the store.
	writing sync.Mutex
}

// add takes one delivery; lost says how many older ones had to make room.
func (k *counts) add(d store.Contact) (lost int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = append(k.held, d)
	if len(k.held) >= perWrite {
		select {
		case k.many <- struct{}{}:
		default: // told already, or nobody listens
		}
	}
	return k.bound()
}

// bound drops the oldest where there are too many. k.mu is held.
func (k *counts) bound() (lost int) {
	lost = max(0, len(k.held)-mostHeld)
	k.held = k.held[lost:]
	return lost
}

func (k *counts) listen() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.many == nil {
		k.many = make(chan struct{}, 1)
	}
	return k.many
}

func (k *counts) take() []store.Contact {
	k.mu.Lock()
	defer k.mu.Unlock()
	batch := slices.Clone(k.held[:min(perWrite, len(k.held))])
	if k.held = k.held[len(batch):]; len(k.held) == 0 {
		k.held = nil
	}
	return batch
}

func (k *counts) putBack(batch []store.Contact) (lost int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = append(batch, k.held...)
	return k.bound()
}

func (k *counts) len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.held)
}

// forget drops the deliveries to a person. Until release is called nothing is
// written, so that none that was taken before reaches the store later.
func (k *counts) forget(recipient string) (release func()) {
	k.writing.Lock()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = slices.DeleteFunc(k.held, func(d store.Contact) bool { return d.Recipient == recipient })
	return k.writing.Unlock
}

// sent notes a delivery and never waits for the store.
func (c *Consent) sent(d store.Contact) {
	if lost := c.counts.add(d); lost > 0 {
		c.tally(func(s *Stats) { s.CountsLost.Add(int64(lost)) })
	}
}

// flush records all deliveries that are held.
func (c *Consent) flush(ctx context.Context) error {
	for {
		n, err := c.write(ctx)
		if n == 0 || err != nil {
			return err
		}
	}
}

func (c *Consent) write(ctx context.Context) (n int, err error) {
	k := &c.counts
	k.writing.Lock()
	defer k.writing.Unlock()
	batch := k.take()
	if len(batch) == 0 {
		return 0, nil
	}
	kept := false
	defer func() {
		if kept {
			return
		}
		if lost := k.putBack(batch); lost > 0 {
			c.tally(func(s *Stats) { s.CountsLost.Add(int64(lost)) })
		}
	}()
	if err := c.Turns.Sent(ctx, batch...); err != nil {
		return 0, fmt.Errorf("record deliveries per person: %w", err)
	}
	kept = true
	c.tally(func(s *Stats) { s.Counted.Add(int64(len(batch))) })
	return len(batch), nil
}

func (c *Consent) tally(add func(*Stats)) {
	if c.Stats != nil {
		add(c.Stats)
	}
}
