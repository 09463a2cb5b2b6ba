package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/message"
	"offramp/gateway/stream"
	"offramp/listunsub"
	"offramp/store"
)

// limited is what the limits of a header are checked by.
type limited struct {
	fields, longest, received int
	messageID                 string
	date                      bool
}

// measure reads it in one pass. Of several fields with one name the first counts.
func measure(fields []message.Field) limited {
	l := limited{fields: len(fields)}
	for _, f := range fields {
		l.longest = max(l.longest, len(f.Raw))
		switch {
		case strings.EqualFold(f.Name, "Received"):
			l.received++
		case strings.EqualFold(f.Name, "Date"):
			l.date = true
		case l.messageID == "" && strings.EqualFold(f.Name, "Message-ID"):
			l.messageID = strings.TrimSpace(f.Value())
		}
	}
	return l
}

// settle decides which stream and list a message belongs to.
func (r *Relay) settle(ctx context.Context, c Client, e *envelope.Envelope, in *incoming) error {
	d := r.classifier().Classify(stream.Mail{Login: c.Login, Client: c.Addr, Sender: e.ReversePath}, in.header.Fields())
	in.decision = d
	m := in.message
	m.Mark, m.Unmarked = d.Mark, d.Unmarked()
	var err error
	switch d.Kind {
	case stream.Listed:
		m.List, err = r.ensure(ctx, d.List, m.Received)
	case stream.Untouched:
		m.List, err = r.known(ctx, d.List)
		m.Untouched = m.List != ""
	}
	if err != nil {
		return fmt.Errorf("list of the message: %w", err)
	}
	in.sign = m.List != "" && !m.Untouched || r.Sign != SignList && r.Signs != nil && r.Signs(d.FromDomain)
	if d.Ignored != "" {
		r.log().WarnContext(ctx, "the control field is ignored", "queue_id", m.ID, "field", stream.ControlHeader, "reason", d.Ignored)
	}
	return nil
}

// ensure returns the identifier of a list that may be new; empty: the operator
// marked it as transactional.
func (r *Relay) ensure(ctx context.Context, named listunsub.ListID, now time.Time) (string, error) {
	id := listunsub.CanonicalID(named.ID)
	l, err := r.Lists.EnsureList(ctx, store.List{ID: id, Key: listunsub.ListKey(id), Name: shortName(named.Name), Created: now})
	if err != nil || l.Transactional {
		return "", err
	}
	return l.ID, nil
}

// known returns the identifier of a list that is there already: nobody has
// opted out of another one.
func (r *Relay) known(ctx context.Context, named listunsub.ListID) (string, error) {
	if named.ID == "" {
		return "", nil
	}
	l, err := r.Lists.List(ctx, listunsub.CanonicalID(named.ID))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", nil
	case err != nil || l.Transactional:
		return "", err
	}
	return l.ID, nil
}

// shortName cuts a name nobody would read. It stands in a header of each
// message of the list and on its page; the admin API allows as much.
func shortName(name string) string {
	const longest = 200 // characters
	n := 0
	for i := range name {
		if n++; n > longest {
			return strings.TrimSpace(name[:i])
		}
	}
	return name
}
