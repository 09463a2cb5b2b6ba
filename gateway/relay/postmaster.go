package relay

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/throttle"
	"offramp/store"
)

// AcceptPostmaster takes a message to the postmaster of our own domain, from
// anybody (RFC 5321 section 4.5.1). Its recipients become the configured
// postmaster; without one it is held in the queue, where the operator sees it,
// and no more is taken than an operator can look at: strangers must not be able
// to fill the volume. What they send in a day is bounded all the same, since a next
// hop that is down leaves all of it in the queue: then the error wraps
// ErrMailboxFull.
func (r *Relay) AcceptPostmaster(ctx context.Context, c Client, e envelope.Envelope, data io.Reader) (Receipt, error) {
	return r.count(r.acceptPostmaster(ctx, c, e, data))
}

// Limits of mail to the postmaster, in bytes. Those of a day are for strangers.
const (
	MaxPostmaster  = 1 << 20  // of one message
	maxMailbox     = 32 << 20 // of all in a day
	maxMailboxEach = 4 << 20  // of one network in a day
	mailboxLetter  = 4 << 10  // what a message counts besides its size
	maxHeld        = 100      // recipients held in the queue, for whatever cause
)

// mailbox counts what strangers send to the postmaster.
type mailbox struct {
	once sync.Once
	day  throttle.Day
}

func (m *mailbox) take(a netip.Addr, n int64, now time.Time) error {
	m.once.Do(func() { m.day.All, m.day.Each = maxMailbox, maxMailboxEach })
	if !m.day.Take(a, n, now) {
		return ErrMailboxFull
	}
	return nil
}

// counted is the body of a stranger's message to the postmaster, which counts.
type counted struct {
	io.Reader
	take func(n int64) error
}

func (l *counted) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if full := l.take(int64(n)); full != nil {
		return 0, full
	}
	return n, err
}

func (r *Relay) acceptPostmaster(ctx context.Context, c Client, e envelope.Envelope, data io.Reader) (Receipt, error) {
	in, err := r.open(ctx, c, &e, data, min(r.WithDefaults().MaxMessageSize, MaxPostmaster))
	if err != nil {
		return Receipt{}, err
	}
	to := e.Recipients[0]
	held := r.Postmaster == ""
	if held {
		u, err := r.Spool.Usage(ctx)
		if err != nil {
			return Receipt{}, fmt.Errorf("ask what is held: %w", err)
		}
		if u.Held >= maxHeld {
			return Receipt{}, fmt.Errorf("%d recipients are held, set OFFRAMP_POSTMASTER: %w", u.Held, store.ErrFull)
		}
	} else if to.Address, err = envelope.Parse(r.Postmaster); err != nil {
		return Receipt{}, fmt.Errorf("OFFRAMP_POSTMASTER: %w", err)
	}
	rcpt := queued(&to, to.Address.String(), in.message.Received)
	if !r.MayRelay(c) {
		take := func(n int64) error { return r.mailbox.take(c.Addr, n, in.message.Received) }
		if err := take(int64(len(in.header.Raw())) + mailboxLetter); err != nil {
			return Receipt{}, err
		}
		in.body = &counted{in.body, take}
		// A stranger's reverse-path may be forged: whose it is must not get our
		// reports. A failure is still an event.
		rcpt.Notify = "NEVER"
	}
	if held {
		rcpt.State = store.Held
		rcpt.Status = store.Status{Text: "mail to postmaster: set OFFRAMP_POSTMASTER to have it forwarded", Host: r.Hostname}
	}
	return r.keep(ctx, in, sorted{keep: []store.Recipient{rcpt}}, &e)
}
