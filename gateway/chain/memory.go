// Package chain passes opt-outs on to the systems that send the lists.
//
// An application that sends through Offramp puts its own List-Unsubscribe into
// its mail, which ours takes the place of. That of a message to one person is
// remembered ([Memory]); when the person opts out here, it is used there as a
// mail client would have used it ([Chain]): a POST as RFC 8058 section 3.2 says,
// or else the mail that a mailto URI asks for. What the application makes of it
// cannot be seen, so the ledger says that it was notified, and no more.
package chain

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/listunsub"
	"offramp/store"
)

// Targets keeps where the senders themselves take an opt-out.
type Targets interface {
	store.Targets
}

// Own is what leads back to this server. It is neither remembered nor called: an
// opt-out would go round in circles.
type Own struct {
	Host   string // of the public URL
	Domain string // of feedback addresses, in lower case
}

// has says whether a URI leads back to this server.
func (o Own) has(uri string) bool {
	if strings.HasPrefix(uri, "mailto:") {
		l, err := listunsub.ParseMailto(uri)
		if err != nil {
			return false
		}
		a, err := envelope.Parse(l.To)
		return err == nil && o.Domain != "" && strings.EqualFold(a.Domain(), o.Domain)
	}
	u, err := url.Parse(uri)
	return err == nil && o.Host != "" && strings.EqualFold(strings.TrimSuffix(u.Hostname(), "."), o.Host)
}

// Memory remembers targets when mail is accepted.
type Memory struct {
	Targets Targets
	Own     Own
	Stats   *Stats // nil: not counted
}

// Remember makes the target of a message to a list durable: nil means that
// nothing of it is needed any more. A message to several people has one target
// for all of them, so it is not theirs and nothing is remembered.
func (m *Memory) Remember(ctx context.Context, message *store.Message, fields []mime.Field, to []envelope.Recipient) error {
	var unsubscribe, post []string
	for _, f := range fields {
		switch {
		case strings.EqualFold(f.Name, "List-Unsubscribe"):
			unsubscribe = append(unsubscribe, f.Value())
		case strings.EqualFold(f.Name, "List-Unsubscribe-Post"):
			post = append(post, f.Value())
		}
	}
	stats := m.Stats.orNone()
	if len(unsubscribe) == 0 {
		return nil
	}
	if len(to) != 1 {
		stats.Shared.Add(1)
		return nil
	}
	uri, err := listunsub.Action(unsubscribe, post)
	if err != nil || len(uri) > store.MaxTarget {
		stats.Unfit.Add(1)
		return nil
	}
	if m.Own.has(uri) {
		stats.Circles.Add(1)
		return nil
	}
	t := store.Target{Recipient: to[0].Address.Key(), List: message.List, URI: uri, Since: message.Received}
	if err := m.Targets.KeepTargets(ctx, t); err != nil {
		return fmt.Errorf("remember the sender's own opt-out: %w", err)
	}
	stats.Remembered.Add(1)
	return nil
}
