package feedback

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"

	"offramp/gateway/consent"
	"offramp/gateway/diagnosis"
	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/listunsub"
	"offramp/store"
)

// Limits of a message to the feedback domain, in bytes.
const (
	MaxHeader = 64 << 10          // a larger header is refused
	MaxSize   = diagnosis.MaxSize // the rest is read and thrown away
)

// Inbound is a message to addresses of the feedback domain.
type Inbound struct {
	Envelope envelope.Envelope
	IP       string // of the client
	Data     io.Reader
	Size     int64 // of Data, for memory to be taken at once; 0: not known
}

// Receive reads a message to its end and does what its addresses ask for, and
// what it says where an address does not say it all. It returns without an
// error only when that is on disk. Repeating is harmless, also after an error:
// what was done stays done.
//
// Errors wrap ErrTooLarge, ErrUnknown for an address that Check refuses, or
// ErrPostmaster, and nothing was done then. All others are temporary: those of
// Check, of reading the data (wrapped as they are), and of the store.
//
// It holds up to MaxSize of a message in memory from the first byte on, so that
// the caller bounds how many it hands over at once, and gives none as slowly as
// a stranger sends it.
func (f *Feedback) Receive(ctx context.Context, in Inbound) error {
	raw, header, whole, err := read(in)
	if err != nil {
		return err
	}
	var targets []target
	seen := make(map[string]bool, 1)
	for _, r := range in.Envelope.Recipients {
		// What an address says is found and done once, in however many spellings it
		// is named.
		if seen[r.Address.Key()] {
			continue
		}
		seen[r.Address.Key()] = true
		if f.IsPostmaster(r.Address) {
			return ErrPostmaster
		}
		t, err := f.resolve(ctx, r.Address)
		if err != nil {
			return err
		}
		if name := t.name(); !seen[name] {
			seen[name] = true
			targets = append(targets, t)
		}
	}
	m := &mail{f: f, in: in, raw: raw, whole: whole, header: header}
	for _, t := range targets {
		if err := m.act(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// mail is one message on its way through.
type mail struct {
	f      *Feedback
	in     Inbound
	raw    []byte // as far as it is looked at
	whole  bool   // raw is all of it
	header mime.Header
	report *diagnosis.Report // nil: not read yet
	proof  *proof            // nil: not looked for yet
}

// act does what one address asks for.
func (m *mail) act(ctx context.Context, t target) error {
	switch {
	case t.erased:
		// It stands that they get no mail, and there is nobody to record it for.
		m.f.log().InfoContext(ctx, "mail to an address of a person who was erased discarded", slog.String("ip", m.in.IP))
		return nil
	case t.kind == listunsub.OptOutAddress:
		return m.optOut(ctx, t.subject)
	case t.kind == listunsub.BounceAddress:
		return m.returned(ctx, t.subject)
	}
	return m.boxed(ctx, t.box)
}

// optOut has one person leave one list, whatever the message says, unless a
// machine wrote it.
func (m *mail) optOut(ctx context.Context, s consent.Subject) error {
	if why := automatic(m.in.Envelope.ReversePath, m.header); why != "" {
		m.f.stats().Automatic.Add(1)
		m.log(ctx, "automatic mail to an opt-out address discarded", s, slog.String("reason", why))
		return nil
	}
	return m.leave(ctx, s)
}

// leave records that a person leaves a list.
func (m *mail) leave(ctx context.Context, s consent.Subject) error {
	changed, err := m.f.Consent.OptOut(ctx, s, store.Mail, m.evidence())
	if err != nil {
		return fmt.Errorf("opt-out by mail: %w", err)
	}
	m.f.stats().OptOuts.Add(1)
	m.log(ctx, "opted out by mail", s, slog.Bool("changed", changed))
	return nil
}

// read returns what the message is, once.
func (m *mail) read() *diagnosis.Report {
	if m.report == nil {
		r := diagnosis.Read(m.raw, m.in.Envelope.ReversePath.IsNull())
		m.report = &r
	}
	return m.report
}

// prove finds whom the tokens in the message name, once.
func (m *mail) prove(ctx context.Context) (proof, error) {
	if m.proof == nil {
		p, err := m.f.prove(ctx, m.read())
		if err != nil {
			return proof{}, err
		}
		m.proof = &p
	}
	return *m.proof, nil
}

// evidence was written by the sender of the mail, but for the IP.
func (m *mail) evidence() consent.Evidence {
	ev := consent.Evidence{IP: m.in.IP, MessageID: m.header.Get("Message-ID"), UserAgent: m.header.Get("User-Agent")}
	if ev.UserAgent == "" {
		ev.UserAgent = m.header.Get("X-Mailer")
	}
	return ev
}

// once names the message together with a person, so that the same message
// counts once, however often it comes.
func (m *mail) once(what string, s consent.Subject) string {
	sum := sha256.Sum256(m.raw)
	return what + " " + hex.EncodeToString(sum[:16]) + " " + s.Recipient.Key()
}

func (m *mail) log(ctx context.Context, text string, s consent.Subject, more ...any) {
	attrs := []any{
		slog.String("message_id", m.header.Get("Message-ID")),
		slog.String("list", s.List),
		slog.String("to", s.Recipient.Masked()),
		slog.String("ip", m.in.IP),
	}
	m.f.log().InfoContext(ctx, text, append(attrs, more...)...)
}

// read returns the message that it reads to its end, as far as it is looked at,
// and whether that is all. Only a whole message counts: nothing may happen for
// one that broke off.
func read(in Inbound) (raw []byte, h mime.Header, whole bool, err error) {
	var all bytes.Buffer
	all.Grow(int(min(in.Size, MaxSize)) + bytes.MinRead)
	if _, err = all.ReadFrom(io.LimitReader(in.Data, MaxSize)); err != nil {
		return nil, h, false, fmt.Errorf("read message: %w", err)
	}
	raw = all.Bytes()
	more, err := io.Copy(io.Discard, in.Data)
	if err != nil {
		return nil, h, false, fmt.Errorf("read message: %w", err)
	}
	head := raw[:min(len(raw), MaxHeader)]
	if len(raw) > MaxHeader && !holdsEmptyLine(head) {
		// What comes later in the header might say that the mail is automatic.
		return nil, h, false, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, MaxHeader)
	}
	return raw, mime.ParseHeader(head), more == 0, nil
}

func holdsEmptyLine(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\r\n")) || bytes.HasPrefix(head, []byte("\n")) ||
		bytes.Contains(head, []byte("\n\r\n")) || bytes.Contains(head, []byte("\n\n"))
}
