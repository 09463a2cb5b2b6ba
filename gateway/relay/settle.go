package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/gateway/stream"
	"offramp/listunsub"
	"offramp/store"
)

// limited is what the limits of a header are checked by.
type limited struct {
	fields, longest, received int
	messageID                 string
	date, named               bool // Date and Message-ID are there
}

// measure reads it in one pass. Of several fields with one name the first counts.
func measure(fields []mime.Field) limited {
	l := limited{fields: len(fields)}
	for _, f := range fields {
		l.longest = max(l.longest, len(f.Raw))
		switch {
		case strings.EqualFold(f.Name, "Received"):
			l.received++
		case strings.EqualFold(f.Name, "Date"):
			l.date = true
		case strings.EqualFold(f.Name, "Message-ID"):
			if l.named = true; l.messageID == "" {
				l.messageID = strings.TrimSpace(f.Value())
			}
		}
	}
	return l
}

// settle decides which stream and list a message belongs to.
func (r *Relay) settle(ctx context.Context, c Client, e *envelope.Envelope, in *incoming) error {
	d := r.classifier().Classify(stream.Mail{Login: c.Login, Client: c.Addr, Sender: e.ReversePath}, in.fields)
	in.decision = d
	m := in.message
	m.Mark, m.Unmarked = d.Mark, d.Unmarked()
	listed, err := r.listOf(ctx, d, m.Received)
	if err != nil {
		return fmt.Errorf("list of the message: %w", err)
	}
	m.List, m.Untouched = listed.id, listed.id != "" && !listed.fields
	if d.Kind == stream.Exempt && m.List != "" {
		m.Mark, m.Unmarked = "List-Id", false
	}
	// What was passed on is written by strangers: a signature would vouch for it.
	ours := r.Sign != SignList && !d.PassedOn && r.Signs != nil && r.Signs(d.FromDomain)
	in.sign = listed.fields || ours
	if d.Ignored != "" {
		r.log().WarnContext(ctx, "the control field is not followed", "queue_id", m.ID, "field", stream.ControlHeader, "reason", d.Ignored)
	}
	return nil
}

// membership is the list whose opt-outs hold for a message, and whether the
// message gets its fields.
type membership struct {
	id     string // empty: none
	fields bool
}

// listOf finds the list of a message. A list that people could leave is enforced
// for whatever names it, also by an identifier that would not make a list today.
func (r *Relay) listOf(ctx context.Context, d stream.Decision, now time.Time) (membership, error) {
	known := ""
	if d.Known != "" {
		var err error
		if known, err = r.known(ctx, d.Known); err != nil {
			return membership{}, err
		}
	}
	switch {
	case d.Kind == stream.Listed && known == "":
		id, err := r.ensure(ctx, d.List, now)
		return membership{id, id != ""}, err
	case d.Kind == stream.Listed, d.Kind == stream.Exempt && d.Step == stream.ByDefault:
		return membership{known, known != ""}, nil
	case d.Kind == stream.Exempt || d.List.ID == "":
		return membership{id: known}, nil
	}
	id, err := r.known(ctx, listunsub.CanonicalID(d.List.ID))
	if err == nil && id == "" && r.Signs != nil && r.Signs(d.List.ID) {
		// A list of a domain that is ours: who left all lists, left it too.
		id, err = r.ensure(ctx, d.List, now)
	}
	return membership{id: cmp.Or(id, known)}, err
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

// known returns the identifier of a list that is there already and not
// transactional, or none.
func (r *Relay) known(ctx context.Context, id string) (string, error) {
	l, err := r.Lists.List(ctx, id)
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
