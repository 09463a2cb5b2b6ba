package feedback

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"

	"offramp/gateway/envelope"
	"offramp/gateway/message"
	"offramp/listunsub"
)

// Limits of a message to the feedback domain, in octets. An opt-out is a few
// lines; a bounce may bring back what it is about.
const (
	MaxHeader = 64 << 10 // only as much of a message is looked at
	MaxSize   = 1 << 20  // the rest is read and thrown away
)

// Inbound is a message to addresses of the feedback domain.
type Inbound struct {
	Envelope envelope.Envelope
	IP       string // of the client
	Data     io.Reader
}

// Receive reads a message to its end and does what its addresses stand for: at
// each opt-out address one person leaves one list, whatever the message says.
// It returns without an error only when that is on disk. Repeating is harmless,
// also after an error: what was done stays done.
//
// Automatic mail is accepted and changes nothing, see the function automatic.
// Mail to bounce addresses is accepted, counted and logged.
//
// Errors wrap ErrTooLarge, ErrUnknown for an address that Check refuses, or
// ErrPostmaster, and nothing was done then. All others are temporary: those of
// Check, of reading the data (wrapped as they are), and of the store.
func (f *Feedback) Receive(ctx context.Context, in Inbound) error {
	header, err := read(in.Data)
	if err != nil {
		return err
	}
	targets := make([]target, 0, len(in.Envelope.Recipients))
	for _, r := range in.Envelope.Recipients {
		if f.IsPostmaster(r.Address) {
			return ErrPostmaster
		}
		t, err := f.resolve(ctx, r.Address)
		if err != nil {
			return err
		}
		targets = append(targets, t)
	}
	why := automatic(in.Envelope.ReversePath, header)
	for _, t := range targets {
		if err := f.act(ctx, t, in, header, why); err != nil {
			return err
		}
	}
	return nil
}

// act does what one address stands for. why says why the message is automatic;
// empty: it is not.
func (f *Feedback) act(ctx context.Context, t target, in Inbound, header message.Header, why string) error {
	id := header.Get("Message-ID")
	attrs := []any{
		slog.String("message_id", id),
		slog.String("list", t.subject.List),
		slog.String("to", t.subject.Recipient.Masked()),
		slog.String("ip", in.IP),
	}
	stats := f.Stats
	if stats == nil {
		stats = &Stats{}
	}
	switch {
	case t.kind == listunsub.BounceAddress:
		stats.Bounces.Add(1)
		f.log().InfoContext(ctx, "bounce discarded", attrs...)
		return nil
	case why != "":
		stats.Automatic.Add(1)
		f.log().InfoContext(ctx, "automatic mail to an opt-out address discarded", append(attrs, slog.String("reason", why))...)
		return nil
	}
	ev := Evidence{IP: in.IP, MessageID: id, UserAgent: agent(header)}
	changed, err := f.Consent.OptOut(ctx, t.subject, ev)
	if err != nil {
		return fmt.Errorf("opt-out by mail: %w", err)
	}
	stats.OptOuts.Add(1)
	f.log().InfoContext(ctx, "opted out by mail", append(attrs, slog.Bool("changed", changed))...)
	return nil
}

// agent returns the program that wrote a mail, as evidence.
func agent(h message.Header) string {
	if a := h.Get("User-Agent"); a != "" {
		return a
	}
	return h.Get("X-Mailer")
}

// read returns the header of a message that it reads to its end. Only a whole
// message counts: nothing may happen for one that broke off.
func read(data io.Reader) (message.Header, error) {
	left := &io.LimitedReader{R: data, N: MaxSize + 1}
	head, err := io.ReadAll(io.LimitReader(left, MaxHeader))
	if err != nil {
		return message.Header{}, fmt.Errorf("read message: %w", err)
	}
	if _, err := io.Copy(io.Discard, left); err != nil {
		return message.Header{}, fmt.Errorf("read message: %w", err)
	}
	switch {
	case left.N == 0:
		return message.Header{}, fmt.Errorf("%w: more than %d octets", ErrTooLarge, MaxSize)
	case left.N <= MaxSize+1-MaxHeader && !holdsEmptyLine(head):
		// What comes later in the header might say that the mail is automatic.
		return message.Header{}, fmt.Errorf("%w: header of more than %d octets", ErrTooLarge, MaxHeader)
	}
	return message.ParseHeader(head), nil
}

func holdsEmptyLine(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\r\n")) || bytes.HasPrefix(head, []byte("\n")) ||
		bytes.Contains(head, []byte("\n\r\n")) || bytes.Contains(head, []byte("\n\n"))
}
