// Package preview shows what a recipient would be sent: it takes a message as
// the SMTP listener does and renders it as the queue does, with the same parts,
// and keeps and sends nothing.
package preview

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"

	"offramp/gateway/envelope"
	"offramp/gateway/nexthop"
	"offramp/gateway/record"
	"offramp/gateway/relay"
	"offramp/gateway/render"
	"offramp/listunsub"
	"offramp/store"
)

// Renderer renders a message for its recipients.
type Renderer interface {
	Prepare(stored *store.Message, l store.List, s render.Signing) (*render.Message, error)
}

// Lists knows the lists of messages.
type Lists interface {
	List(ctx context.Context, id string) (store.List, error)
}

// Preview renders messages. All fields must be set.
type Preview struct {
	Relay    *relay.Relay // of the server
	Renderer Renderer
	Lists    Lists
	Profile  func() nexthop.Profile // of the next hop
}

// Render takes a message and renders it.
func (p *Preview) Render(ctx context.Context, m record.PreviewMail) (record.Preview, error) {
	to, err := envelope.Parse(m.To)
	if err != nil {
		return record.Preview{}, err
	}
	var from envelope.Address // null
	if m.From != "" {
		if from, err = envelope.Parse(m.From); err != nil {
			return record.Preview{}, err
		}
	}
	var kept capture
	client := relay.Client{Addr: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Name: "localhost", Login: m.Login, Protocol: "ESMTP"}
	_, err = p.Relay.Aside(&kept, known{p.Lists}, nothing{}).Accept(ctx, client,
		envelope.Envelope{ReversePath: from, Recipients: []envelope.Recipient{{Address: to}}}, bytes.NewReader(m.Message))
	switch {
	case errors.Is(err, relay.ErrAllSuppressed), err == nil && kept.message == nil:
		return record.Preview{Dropped: true}, nil
	case relay.Permanent(err):
		return record.Preview{Refused: err.Error()}, nil
	case err != nil:
		return record.Preview{}, err
	}
	return p.render(ctx, &kept)
}

func (p *Preview) render(ctx context.Context, kept *capture) (record.Preview, error) {
	list, err := known{p.Lists}.List(ctx, kept.message.List)
	if err != nil {
		return record.Preview{}, err
	}
	hop := p.Profile()
	prepared, err := p.Renderer.Prepare(kept.message, list, render.Signing{Rewritten: hop.Rewrites, Most: hop.Signatures, None: hop.SignsAlone, Repeats: hop.Repeats})
	if err != nil {
		return record.Preview{}, err
	}
	body := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(kept.body.Bytes())), nil }
	// An address that would bear a code would have to be kept.
	out, err := prepared.Render(nil, render.Target{Recipient: kept.recipient, First: true, NoCode: true}, body)
	if err != nil {
		return record.Preview{}, err
	}
	message := bytes.NewBuffer(bytes.Clone(out.Header))
	if err := out.WriteBody(message, bytes.NewReader(kept.body.Bytes())); err != nil {
		return record.Preview{}, err
	}
	return record.Preview{Message: message.Bytes(), List: kept.message.List, Signed: out.Signed}, nil
}

// capture is a spool that keeps one message in memory.
type capture struct {
	message   *store.Message
	recipient string
	body      bytes.Buffer
}

func (c *capture) Create(context.Context) (store.Draft, error) { return c, nil }

// Usage says that there is room.
func (c *capture) Usage(context.Context) (store.Usage, error) {
	return store.Usage{Free: 1 << 40, Capacity: 1 << 40}, nil
}

func (c *capture) Write(b []byte) (int, error) { return c.body.Write(b) }

func (c *capture) Commit(_ context.Context, m *store.Message, recipients []store.Recipient) error {
	c.message = m
	for _, r := range recipients {
		c.recipient = r.Address
	}
	return nil
}

func (c *capture) Abort() {}

// known adds no list.
type known struct{ Lists }

// List returns a list that there is none of yet as it would be made.
func (k known) List(ctx context.Context, id string) (store.List, error) {
	if id == "" {
		return store.List{}, nil
	}
	l, err := k.Lists.List(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return store.List{ID: id, Key: listunsub.ListKey(id)}, nil
	}
	return l, err
}

func (k known) EnsureList(ctx context.Context, l store.List) (store.List, error) {
	have, err := k.Lists.List(ctx, l.ID)
	if errors.Is(err, store.ErrNotFound) {
		return l, nil
	}
	return have, err
}

type nothing struct{}

func (nothing) AddEvents(context.Context, ...store.Event) error { return nil }
