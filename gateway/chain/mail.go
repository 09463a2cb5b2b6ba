package chain

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"mime/quotedprintable"
	"strings"
	"time"

	"offramp/gateway/dkim"
	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/listunsub"
	"offramp/store"
)

// Writer is who writes for the people who opt out.
type Writer struct {
	// Sender is the operator's mailbox, to which what comes back goes.
	Sender envelope.Address
	Keys   *dkim.Keys // nil: mail leaves unsigned
}

// mail sends the mail of a mailto target, through the queue. From is the person,
// as RFC 2369 has it: managers of lists take that for the one who leaves. Sender
// says who wrote it (RFC 5322 section 3.6.2), and is the reverse-path: what the
// null one has is taken for a bounce.
func (c *Chain) mail(ctx context.Context, e store.Event, t store.Target) (answer, error) {
	l, err := listunsub.ParseMailto(t.URI)
	if err != nil {
		return answer{text: "no valid mailto URI"}, nil
	}
	to, err := envelope.Parse(l.To)
	if err != nil || to.Domain() == "" {
		return answer{text: "no valid address"}, nil
	}
	person, err := envelope.Parse(e.Recipient)
	if err != nil {
		return answer{text: "no valid address of the person"}, nil
	}
	m, body, err := c.compose(letter{l, person, to}, c.now())
	if err != nil {
		return answer{text: "cannot be written: " + err.Error()}, nil
	}
	if err := c.spool(ctx, m, body, to); err != nil {
		return answer{}, fmt.Errorf("%w: %w", errOurs, err)
	}
	if c.Wake != nil {
		c.Wake()
	}
	c.Stats.orNone().Mailed.Add(1)
	return answer{taken: true, text: "queued", queueID: m.ID}, nil
}

// letter is a mail that a target asks for.
type letter struct {
	listunsub.Letter
	from, to envelope.Address
}

// spool makes a mail durable in the queue.
func (c *Chain) spool(ctx context.Context, m *store.Message, body []byte, to envelope.Address) error {
	draft, err := c.Spool.Create(ctx)
	if err != nil {
		return fmt.Errorf("begin mail: %w", err)
	}
	defer draft.Abort()
	if _, err := draft.Write(body); err != nil {
		return fmt.Errorf("keep mail: %w", err)
	}
	return draft.Commit(ctx, m, []store.Recipient{{
		Address: to.String(), Domain: to.Domain(), State: store.Queued, Next: m.Received,
	}})
}

// compose writes a mail. It belongs to no list: delivery sends it as it is, so it
// is signed here.
func (c *Chain) compose(l letter, now time.Time) (*store.Message, []byte, error) {
	var body bytes.Buffer
	w := quotedprintable.NewWriter(&body)
	text := strings.ReplaceAll(strings.ReplaceAll(l.Body, "\r\n", "\n"), "\n", "\r\n")
	_, fault := w.Write([]byte(text + "\r\n"))
	if err := errors.Join(fault, w.Close()); err != nil {
		return nil, nil, err
	}
	var random [15]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, nil, err
	}
	id := "<" + strings.ToLower(base32.StdEncoding.EncodeToString(random[:])) + "@" + c.Writer.Sender.Domain() + ">"
	fields, err := c.fields(l, id, now)
	if err != nil {
		return nil, nil, err
	}
	hash := dkim.NewBodyHash()
	_, _ = hash.Write(body.Bytes()) // never fails
	header, err := c.Writer.Keys.Header(c.Writer.Sender.Domain(), fields, hash.Sum(), now)
	if err != nil {
		return nil, nil, err
	}
	return &store.Message{
		ID: envelope.NewQueueID(now), Received: now, ReversePath: c.Writer.Sender.String(), MessageID: id, Header: header,
		Size: int64(body.Len()), BodyHash: hash.Sum(), UTF8: l.from.UTF8() || l.to.UTF8() || c.Writer.Sender.UTF8(),
	}, body.Bytes(), nil
}

func (c *Chain) fields(l letter, id string, now time.Time) ([][]byte, error) {
	var fields [][]byte
	var errs []error
	add := func(field []byte, err error) {
		fields, errs = append(fields, field), append(errs, err)
	}
	add(mime.NewField("Date", now.Format(time.RFC1123Z)))
	add(mime.NewMailboxField("From", "", l.from))
	add(mime.NewMailboxField("Sender", "", c.Writer.Sender))
	add(mime.NewMailboxField("To", "", l.to))
	add(mime.NewTextField("Subject", l.Subject))
	add(mime.NewField("Message-ID", id))
	add(mime.NewField("MIME-Version", "1.0"))
	add(mime.NewField("Content-Type", "text/plain; charset=utf-8"))
	add(mime.NewField("Content-Transfer-Encoding", "quoted-printable"))
	add(mime.NewField("Auto-Submitted", "auto-generated")) // RFC 3834 section 5: no vacation notice answers it
	return fields, errors.Join(errs...)
}
