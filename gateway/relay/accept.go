package relay

import (
	"context"
	"errors"
	"fmt"
	"io"

	"offramp/gateway/dkim"
	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/gateway/stream"
	"offramp/store"
	"offramp/store/failpoint"
)

// Accept takes a message from a client that may relay. It reads data to its
// end unless it fails, and returns without an error only when the message is
// durable or every recipient was dropped for a recorded reason. Errors from
// reading data are wrapped as they are.
func (r *Relay) Accept(ctx context.Context, c Client, e envelope.Envelope, data io.Reader) (Receipt, error) {
	return r.count(r.accept(ctx, c, e, data))
}

func (r *Relay) accept(ctx context.Context, c Client, e envelope.Envelope, data io.Reader) (Receipt, error) {
	in, err := r.open(ctx, c, &e, data, r.WithDefaults().MaxMessageSize)
	if err != nil {
		return Receipt{}, err
	}
	// Whoever is named there must not be shown to the others (RFC 5322 section 3.6.3).
	in.message.Header = in.header.Without("Bcc", "Resent-Bcc")
	if err := r.complete(in); err != nil {
		return Receipt{}, err
	}
	if err := r.settle(ctx, c, &e, in); err != nil {
		return Receipt{}, err
	}
	who, err := r.sort(ctx, e.Recipients, in.message)
	if err != nil {
		return Receipt{}, err
	}
	if len(who.keep) == 0 && r.Suppressed == SuppressedReject {
		r.report(ctx, in, who)
		return Receipt{}, ErrAllSuppressed
	}
	return r.keep(ctx, in, who, &e)
}

// incoming is a message whose header was read.
type incoming struct {
	message  *store.Message
	header   mime.Header
	fields   []mime.Field // of header
	body     io.Reader
	count    *counter       // of all bytes of the message
	lines    mime.LineLimit // of the body
	decision stream.Decision
	// sign says that the message is ours to sign. What a stranger sent never is,
	// whatever its From says.
	sign    bool
	missing struct{ date, messageID bool }
	left    bool // a placeholder stays for the reader to see
}

// open reads the header of a message of at most most bytes and checks what
// can be checked by it.
func (r *Relay) open(ctx context.Context, c Client, e *envelope.Envelope, data io.Reader, most envelope.Octets) (*incoming, error) {
	if len(e.Recipients) == 0 {
		return nil, errors.New("no recipients")
	}
	now := r.now()
	if err := r.room(ctx, 0); err != nil {
		return nil, err
	}
	limits := r.WithDefaults()
	in := &incoming{count: &counter{r: data, left: int64(most)}}
	var err error
	reader := mime.Reader{MaxHeader: int(limits.MaxHeaderSize), RejectBare: r.BareNewline == BareReject}
	in.header, in.body, err = reader.Read(in.count)
	if err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	in.fields = in.header.Fields()
	l := measure(in.fields)
	switch {
	case l.fields > limits.MaxFields:
		return nil, fmt.Errorf("%d fields: %w", l.fields, ErrHeaderTooLarge)
	case l.longest > int(limits.MaxFieldSize):
		return nil, fmt.Errorf("field of %d bytes: %w", l.longest, ErrHeaderTooLarge)
	case l.received > limits.MaxReceived:
		return nil, ErrLoop
	}
	in.missing.date, in.missing.messageID = !l.date, !l.named
	id := envelope.NewQueueID(now)
	received, err := trace(c, r.Hostname, id, now)
	if err != nil {
		return nil, fmt.Errorf("make Received: %w", err)
	}
	in.message = &store.Message{
		ID:          id,
		Received:    now,
		ReversePath: e.ReversePath.String(),
		Client:      c.Addr.Unmap().String(),
		Login:       c.Login,
		MessageID:   shorten(l.messageID),
		Trace:       received,
		Header:      in.header.Raw(),
		EightBit:    e.EightBit,
		UTF8:        e.UTF8,
		RequireTLS:  e.RequireTLS,
		Return:      e.Return,
		EnvelopeID:  e.EnvelopeID,
	}
	return in, nil
}

// shorten cuts a Message-ID nobody could have meant.
func shorten(id string) string {
	const longest = 998 // a line (RFC 5322 section 2.1.1)
	return id[:min(len(id), longest)]
}

// keep streams the body into the spool and makes all of it durable.
func (r *Relay) keep(ctx context.Context, in *incoming, who sorted, e *envelope.Envelope) (Receipt, error) {
	m := in.message
	if len(who.keep) == 0 {
		// The message is read all the same: one that is too large or broken
		// off is refused, whoever it was for.
		if _, err := r.stream(in, io.Discard); err != nil {
			return Receipt{}, err
		}
		if err := r.record(ctx, m, who); err != nil {
			return Receipt{}, err
		}
		return r.receipt(ctx, in, who, e), nil
	}
	draft, err := r.Spool.Create(ctx)
	if err != nil {
		return Receipt{}, fmt.Errorf("begin message: %w", err)
	}
	defer draft.Abort()
	targets := append(make([]io.Writer, 0, 3), &in.lines)
	var hash *dkim.BodyHash
	if in.sign {
		hash = dkim.NewBodyHash()
		targets = append(targets, hash)
	}
	scanner := in.placeholders()
	if scanner != nil {
		targets = append(targets, scanner)
	}
	if m.Size, err = r.stream(in, &metered{ctx, r, draft}, targets...); err != nil {
		return Receipt{}, err
	}
	failpoint.Hit("relay.body")
	m.LongLines = in.lines.Exceeded
	if hash != nil {
		m.BodyHash = hash.Sum()
	}
	if scanner != nil {
		in.note(scanner)
	}
	// Before the commit: a drop that is recorded for a message which then is
	// refused does no harm, a drop that is not recorded does.
	if err := r.record(ctx, m, who); err != nil {
		return Receipt{}, err
	}
	if err := r.remember(ctx, in, e); err != nil {
		return Receipt{}, err
	}
	if err := draft.Commit(ctx, m, who.keep); err != nil {
		return Receipt{}, fmt.Errorf("commit message: %w", err)
	}
	failpoint.Hit("relay.accepted")
	if r.Wake != nil {
		r.Wake()
	}
	return r.receipt(ctx, in, who, e), nil
}

// stream reads the body to its end and writes every byte to dst and targets.
func (r *Relay) stream(in *incoming, dst io.Writer, targets ...io.Writer) (int64, error) {
	buf := r.buffer()
	defer r.buffers.Put(buf)
	var size int64
	for {
		n, err := in.body.Read(*buf)
		if n > 0 {
			size += int64(n)
			if _, err := dst.Write((*buf)[:n]); err != nil {
				return size, fmt.Errorf("keep body: %w", err)
			}
			for _, t := range targets {
				if _, err := t.Write((*buf)[:n]); err != nil {
					return size, fmt.Errorf("look at body: %w", err)
				}
			}
		}
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return size, fmt.Errorf("read body: %w", err)
		}
	}
}

// remember has the sender's own way out kept where ours takes its place. It
// comes before the commit: mail with our link must not leave before that.
func (r *Relay) remember(ctx context.Context, in *incoming, e *envelope.Envelope) error {
	if r.Targets == nil || in.message.List == "" || in.message.Untouched {
		return nil
	}
	return r.Targets.Remember(ctx, in.message, in.fields, e.Recipients)
}

// record keeps who was dropped: in the ledger, and in the history, which may lose
// it in a crash.
func (r *Relay) record(ctx context.Context, m *store.Message, who sorted) error {
	if len(who.drop) == 0 {
		return nil
	}
	events := make([]store.Event, len(who.drop))
	for i, d := range who.drop {
		events[i] = d.event
	}
	if err := r.Events.AddEvents(ctx, events...); err != nil {
		return fmt.Errorf("record drops: %w", err)
	}
	if r.History == nil {
		return nil
	}
	stopped := make([]store.Stopped, len(who.drop))
	for i, d := range who.drop {
		to := store.Recipient{Address: d.address.String(), Person: d.address.Key(), Erased: d.erased}
		stopped[i] = store.Stopped{Recipient: to, Reason: d.event.Reason}
	}
	if err := r.History.Note(ctx, m, stopped...); err != nil {
		return fmt.Errorf("note drops: %w", err)
	}
	return nil
}
