package webhook

import (
	"context"
	"fmt"
	"strings"

	"offramp/gateway/callout"
	"offramp/gateway/outbox"
	"offramp/gateway/record"
	"offramp/store"
)

// maxShown is how much of an answer to a test event is shown, in bytes.
const maxShown = 1024

// Test sends a test event and returns what the receiver answered. The event is about
// nobody: an address of a domain that never exists (RFC 2606).
func (w *Webhooks) Test(ctx context.Context, name string) (result record.WebhookTest, err error) {
	c, err := w.Outbox.One(ctx, name)
	if err != nil {
		return result, err
	}
	if c.Kind != Kind {
		return result, wrong("%s is of the kind %s, which has no test", name, c.Kind)
	}
	r, err := w.Sender.open(c.Settings)
	if err != nil {
		return result, wrong("%v", err)
	}
	defer r.client.Close()
	began := w.Sender.now()
	reply, err := r.test(ctx, store.Event{
		Time: began, Kind: store.EventUnsubscribed, Recipient: "offramp-test@recipient.invalid", List: "test.invalid", Way: store.Operator,
	})
	result.Millis = w.Sender.now().Sub(began).Milliseconds()
	result.Status = reply.Status
	result.Body = strings.ToValidUTF8(string(reply.Body[:min(len(reply.Body), maxShown)]), "?")
	if err := failed(reply, err); err != nil {
		result.Error = err.Error()
	}
	result.OK = result.Error == ""
	return result, nil
}

// test makes the call of a test event.
func (r *receiver) test(ctx context.Context, e store.Event) (callout.Reply, error) {
	var c call
	var err error
	switch r.settings.Format {
	case Standard:
		c, err = r.standard("webhook.test", e)
	case SendGrid:
		c, err = r.sendGrid([]store.Event{e})
	case Listmonk:
		if err := r.listmonk(ctx, e); err != nil {
			return callout.Reply{}, err
		}
		return callout.Reply{Status: 200}, nil
	default:
		c, err = r.render(e)
	}
	if err != nil {
		return callout.Reply{}, fmt.Errorf("%w: %w", outbox.ErrSettings, err)
	}
	return r.do(ctx, c)
}
