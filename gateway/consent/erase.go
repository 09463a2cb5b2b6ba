package consent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// ErrSending says that a message to an erased person is on its way at this
// moment, and in the spool until its attempt has ended.
var ErrSending = errors.New("mail to the person is being sent")

// Erase forgets who a recipient is: what was chosen stays under a keyed hash,
// with all lists left; address, history, evidence and waiting list mail go. It
// returns when the address is in no record any more, but for mail of no list
// that still waits; its last copies in the store's files are overwritten in the
// background, see [store.Scrubber]. Of ev only Who is kept.
//
// After an error, what was done stays done: no list mail goes out once the
// person is erased. Repeating it is harmless and does the rest; [ErrSending]
// asks for that after some minutes.
func (c *Consent) Erase(ctx context.Context, recipient envelope.Address, way store.Way, ev Evidence) error {
	e, err := c.event(store.EventErased, Subject{Recipient: recipient}, way, Evidence{Who: ev.Who})
	if err != nil {
		return err
	}
	key := e.Recipient
	if err := c.eraseRecords(ctx, key, e); err != nil {
		return err
	}
	if err := c.settle(ctx, "erasure", key); err != nil {
		return err
	}
	sending := c.removeMail(ctx, key)
	if sending != nil && !errors.Is(sending, ErrSending) {
		return sending
	}
	// Last: what ends until then is recorded, too.
	if c.History != nil {
		if _, err := c.History.ForgetFates(ctx, key); err != nil {
			return fmt.Errorf("forget what became of mail: %w", err)
		}
	}
	if c.Copies != nil {
		if err := c.Copies.Empty(); err != nil {
			return fmt.Errorf("remove kept feedback: %w", err)
		}
	}
	if err := c.Store.Scrub(ctx); err != nil {
		return fmt.Errorf("have overwritten what was erased: %w", err)
	}
	return sending
}

// eraseRecords erases what the store has, and what is on its way there.
func (c *Consent) eraseRecords(ctx context.Context, key string, e store.Event) error {
	defer c.counts.forget(key)()
	if err := c.Store.Erase(ctx, key, e); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	return nil
}

// removeMail removes waiting list mail to a person from the spool. An attempt
// that runs keeps its recipient until it ends.
func (c *Consent) removeMail(ctx context.Context, key string) error {
	if c.Mail == nil {
		return nil
	}
	match := func(address string) bool {
		a, err := envelope.Parse(address)
		return err == nil && a.Key() == key
	}
	var sending error
	began := time.Now()
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		n, err := c.Mail.Forget(ctx, match)
		if err != nil {
			return fmt.Errorf("remove queued mail: %w", err)
		}
		if n == 0 {
			break
		}
		if time.Since(began)+wait > longestWait {
			sending = ErrSending
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove queued mail: %w", ctx.Err())
		case <-time.After(wait):
		}
	}
	return sending
}
