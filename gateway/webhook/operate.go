package webhook

import (
	"context"
	"fmt"
	"slices"
	"time"

	"offramp/gateway/outbox"
	"offramp/gateway/record"
	"offramp/listunsub"
	"offramp/store"
)

// Webhooks is what the operator does with them. It shows the consumers of all kinds.
type Webhooks struct {
	Outbox *outbox.Outbox
	Sender *Sender
}

// longestOverlap is for how long two secrets are used at most.
const longestOverlap = 30 * 24 * time.Hour

// All returns all consumers by name.
func (w *Webhooks) All(ctx context.Context) ([]record.Webhook, error) {
	all, err := w.Outbox.All(ctx)
	if err != nil {
		return nil, err
	}
	head, err := w.Outbox.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	shown := make([]record.Webhook, 0, len(all))
	for _, c := range all {
		shown = append(shown, recordOf(c, head.ID))
	}
	return shown, nil
}

// One returns one of them or [store.ErrNotFound].
func (w *Webhooks) One(ctx context.Context, name string) (record.Webhook, error) {
	c, err := w.Outbox.One(ctx, name)
	return w.shown(ctx, c, err)
}

func (w *Webhooks) shown(ctx context.Context, c store.Consumer, err error) (record.Webhook, error) {
	if err != nil {
		return record.Webhook{}, err
	}
	head, err := w.Outbox.Ledger.Head(ctx)
	return recordOf(c, head.ID), err
}

// Add adds a webhook, and returns its secret.
func (w *Webhooks) Add(ctx context.Context, n record.NewWebhook) (created record.CreatedWebhook, err error) {
	s := Settings{URL: n.URL, Format: Format(n.Format), Act: Act(n.Act)}
	u, err := s.check()
	if err != nil {
		return created, err
	}
	if err := w.Sender.Client().Check(u); err != nil {
		return created, wrong("url: %v", err)
	}
	if created.Secret, err = w.sign(&s, n.Secret); err != nil {
		return created, err
	}
	kinds, err := kindsOf(n.Kinds)
	if err != nil {
		return created, err
	}
	from, err := start(n.After, n.Since, outbox.Start{Now: true})
	if err != nil {
		return created, err
	}
	if slices.Contains(reserved, n.Name) {
		return created, fmt.Errorf("%w: %q is what the settings of the server call theirs", outbox.ErrTaken, n.Name)
	}
	c, err := w.Outbox.Add(ctx, store.Consumer{Name: n.Name, Kind: Kind, Settings: s.Text(), Lists: listsOf(n.Lists), Kinds: kinds}, from)
	created.Webhook, err = w.shown(ctx, c, err)
	return created, err
}

// reserved are the names of consumers that the settings of the server turn on.
var reserved = []string{"chain", "exec", "sql"}

// sign gives settings a new secret, or the one that the operator names, and returns
// what the receiver is to know of it.
func (w *Webhooks) sign(s *Settings, given string) (shown string, err error) {
	secret := given
	switch {
	case given != "":
		if err := s.Format.checkSecret(given); err != nil {
			return "", err
		}
		shown = given
	case s.Format.signed():
		if secret, shown, err = s.Format.newSecret(w.Sender.random()); err != nil {
			return "", err
		}
	default:
		return "", nil
	}
	s.Secrets = append([]Secret{{Value: secret}}, s.Secrets...)
	return shown, nil
}

// start reads from where events are sent.
func start(after *int64, since time.Time, otherwise outbox.Start) (outbox.Start, error) {
	switch {
	case after != nil && !since.IsZero():
		return outbox.Start{}, wrong("give after or since, not both")
	case after != nil:
		return outbox.Start{Event: *after}, nil
	case !since.IsZero():
		return outbox.Start{Time: since}, nil
	case otherwise == outbox.Start{}:
		return otherwise, wrong("give after or since")
	}
	return otherwise, nil
}

func kindsOf(names []string) ([]store.EventKind, error) {
	kinds, err := outbox.ParseKinds(names)
	if err != nil {
		return nil, wrong("%v", err)
	}
	return kinds, nil
}

func kindNames(kinds []store.EventKind) (names []string) {
	for _, kind := range kinds {
		names = append(names, string(kind))
	}
	return names
}

func listsOf(ids []string) (lists []string) {
	for _, id := range ids {
		lists = append(lists, listunsub.CanonicalID(id))
	}
	return lists
}

// change changes the settings of a webhook.
func (w *Webhooks) change(ctx context.Context, name string, change func(s *Settings, c *store.Consumer) error) (record.Webhook, error) {
	c, err := w.Outbox.Change(ctx, name, func(c *store.Consumer) error {
		if c.Kind != Kind {
			return fmt.Errorf("%s %w", name, outbox.ErrOwn)
		}
		s, err := Parse(c.Settings)
		if err != nil {
			return wrong("%v", err)
		}
		if err := change(&s, c); err != nil {
			return err
		}
		c.Settings = s.Text()
		return nil
	})
	return w.shown(ctx, c, err)
}

// Change changes what is given.
func (w *Webhooks) Change(ctx context.Context, name string, p record.WebhookPatch) (record.Webhook, error) {
	return w.change(ctx, name, func(s *Settings, c *store.Consumer) (err error) {
		if p.URL != nil {
			s.URL = *p.URL
		}
		if p.Act != nil {
			s.Act = Act(*p.Act)
		}
		u, err := s.check()
		if err != nil {
			return err
		}
		if err := w.Sender.Client().Check(u); err != nil {
			return wrong("url: %v", err)
		}
		if p.Lists != nil {
			c.Lists = listsOf(*p.Lists)
		}
		if p.Kinds != nil {
			c.Kinds, err = kindsOf(*p.Kinds)
		}
		return err
	})
}

// Rotate gives a webhook a new secret. The one before is used as well for a time.
func (w *Webhooks) Rotate(ctx context.Context, name string, q record.WebhookRotation) (created record.CreatedWebhook, err error) {
	if q.Overlap == nil {
		return created, wrong("give an overlap")
	}
	overlap := time.Duration(*q.Overlap) * time.Second
	if overlap < 0 || overlap > longestOverlap {
		return created, wrong("the overlap must be between 0 and 30 days")
	}
	created.Webhook, err = w.change(ctx, name, func(s *Settings, _ *store.Consumer) (err error) {
		if !s.Format.signed() {
			return wrong("the format %s has no signatures: change the password in its URL", s.Format)
		}
		now := w.Sender.now()
		s.Secrets = slices.DeleteFunc(s.Secrets, func(one Secret) bool { return !one.Ends.IsZero() && !one.Ends.After(now) })
		if len(s.Secrets) > 3 {
			return wrong("there are four secrets already: wait until the overlap of one has ended")
		}
		for i := range s.Secrets {
			if ends := now.Add(overlap).UTC(); s.Secrets[i].Ends.IsZero() || s.Secrets[i].Ends.After(ends) {
				s.Secrets[i].Ends = ends
			}
		}
		created.Secret, err = w.sign(s, q.Secret)
		return err
	})
	return created, err
}

// Remove removes a webhook.
func (w *Webhooks) Remove(ctx context.Context, name string) error { return w.Outbox.Remove(ctx, name) }

// Pause has nothing sent until Resume.
func (w *Webhooks) Pause(ctx context.Context, name string) (record.Webhook, error) {
	c, err := w.Outbox.Pause(ctx, name)
	return w.shown(ctx, c, err)
}

// Resume goes on after the last acknowledged event.
func (w *Webhooks) Resume(ctx context.Context, name string) (record.Webhook, error) {
	c, err := w.Outbox.Resume(ctx, name)
	return w.shown(ctx, c, err)
}

// Replay sends everything from somewhere on again.
func (w *Webhooks) Replay(ctx context.Context, name string, q record.WebhookReplay) (record.Webhook, error) {
	from, err := start(q.After, q.Since, outbox.Start{})
	if err != nil {
		return record.Webhook{}, err
	}
	c, err := w.Outbox.Replay(ctx, name, from)
	return w.shown(ctx, c, err)
}

// Skip passes over an event that nobody takes.
func (w *Webhooks) Skip(ctx context.Context, name string, event int64) (record.Webhook, error) {
	c, err := w.Outbox.Skip(ctx, name, event)
	return w.shown(ctx, c, err)
}

// recordOf is a consumer as it is shown.
func recordOf(c store.Consumer, head int64) record.Webhook {
	one := record.Webhook{
		Name: c.Name, Kind: c.Kind, Lists: c.Lists, Kinds: kindNames(c.Kinds), State: string(c.State), Created: c.Created,
		Cursor: c.Cursor, Head: head, Ahead: len(c.Done), Failing: c.Failing, Stuck: c.Stuck, Attempts: c.Attempts, Next: c.Next, Error: c.Error,
		Skip: c.Skip, Missed: c.Missed,
	}
	if c.Damaged {
		one.State, one.Error = string(store.ConsumerFailed), "its record is damaged: remove it and add it again"
	}
	if s, err := Parse(c.Settings); err == nil && c.Kind == Kind {
		one.URL, one.Format, one.Act, one.PublicKeys = s.MaskedURL(), string(s.Format), string(s.Act), s.PublicKeys()
	}
	return one
}
