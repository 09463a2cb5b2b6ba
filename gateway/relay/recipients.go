package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// sorted is what verdicts made of the recipients of a message.
type sorted struct {
	keep []store.Recipient
	drop []drop
}

// drop is a recipient that gets nothing, and the record of it.
type drop struct {
	address envelope.Address
	event   store.Event
	erased  bool
}

// optOuts is how many recipients their own wish stopped.
func (s sorted) optOuts() int {
	n := 0
	for _, d := range s.drop {
		if d.event.Reason.OptOut() {
			n++
		}
	}
	return n
}

// sort asks a verdict for each recipient. One that is named twice counts once, as it
// was named first. In another case a local part may be somebody else's (RFC 5321
// section 2.4).
func (r *Relay) sort(ctx context.Context, recipients []envelope.Recipient, m *store.Message) (sorted, error) {
	s := sorted{keep: make([]store.Recipient, 0, len(recipients))}
	var seen map[string]struct{}
	if len(recipients) > 1 {
		seen = make(map[string]struct{}, len(recipients))
	}
	for i := range recipients {
		rcpt := &recipients[i]
		wire := rcpt.Address.String()
		if seen != nil {
			if _, again := seen[wire]; again {
				continue
			}
			seen[wire] = struct{}{}
		}
		v, err := r.Verdicts.Verdict(ctx, rcpt.Address, m.List)
		// One person's damaged records must not refuse the mail of the others: it
		// is asked again before anything is sent.
		if err != nil && !errors.Is(err, store.ErrUncertain) {
			return sorted{}, fmt.Errorf("verdict: %w", err)
		}
		if v.Drop {
			e := dropped(m, rcpt.Address.Key(), v.Reason)
			e.Once = m.ID + " " + strconv.Itoa(i) // no address: it outlives those of erased people
			s.drop = append(s.drop, drop{rcpt.Address, e, v.Erased})
			continue
		}
		to := queued(rcpt, wire, m.Received)
		to.Erased = v.Erased
		s.keep = append(s.keep, to)
	}
	return s, nil
}

func queued(rcpt *envelope.Recipient, wire string, next time.Time) store.Recipient {
	return store.Recipient{
		Address:  wire,
		Person:   rcpt.Address.Key(),
		Domain:   rcpt.Address.Domain(),
		Notify:   rcpt.Notify,
		Original: rcpt.Original,
		State:    store.Queued,
		Next:     next,
	}
}

func dropped(m *store.Message, key string, reason store.Reason) store.Event {
	return store.Event{
		Time:      m.Received,
		Kind:      store.EventDropped,
		Recipient: key,
		List:      m.List,
		Way:       store.Relay,
		Reason:    reason,
		QueueID:   m.ID,
		MessageID: m.MessageID,
		IP:        m.Client,
		Who:       m.Login,
		Detail:    store.DropDetail(m.ReversePath),
	}
}
