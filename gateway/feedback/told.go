package feedback

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"offramp/gateway/consent"
	"offramp/gateway/diagnosis"
	"offramp/gateway/envelope"
	"offramp/store"
)

// Told is what a smarthost reports about one recipient. Whoever calls has checked
// that it was the smarthost.
type Told struct {
	Vendor    string
	Kind      diagnosis.Kind // Bounce, Complaint or OptOut
	Recipient string
	Permanent bool // of a bounce: the smarthost calls the address dead
	Status    string
	Reply     string
	Said      string // by the last mail system
	Type      string // of a complaint
	// Header holds fields of the message it is about, as far as the smarthost
	// repeats them: a valid token in it names the list.
	Header    string
	MessageID string
	ID        string // of the report: the same at every repetition
}

// Told records what a smarthost reports. An error is temporary; what can never be
// recorded, since it names nobody, is left out.
func (f *Feedback) Told(ctx context.Context, t Told) error {
	recipient, err := envelope.Parse(strings.TrimSpace(t.Recipient))
	if err != nil || recipient.Domain() == "" {
		f.stats().Unproven.Add(1)
		return nil
	}
	s := consent.Subject{Recipient: recipient}
	report := &diagnosis.Report{Text: t.Header}
	proof, err := f.prove(ctx, report)
	if err != nil {
		return err
	}
	if proof.header && proof.subject.Recipient.Key() == recipient.Key() {
		s = proof.subject
	}
	once := t.Vendor + " " + t.ID + " " + recipient.Key()
	ev := consent.Evidence{MessageID: t.MessageID, UserAgent: t.Vendor}
	switch t.Kind {
	case diagnosis.Bounce:
		err = f.toldBounce(ctx, t, s, once)
	case diagnosis.Complaint:
		kind := strings.ToLower(t.Type)
		if kind == "" {
			kind = "abuse"
		}
		var stopped bool
		stopped, err = f.Consent.Complained(ctx, consent.Complaint{
			Subject: s, Kind: kind, Stops: stops(kind), Way: store.Hook, Once: once}, ev)
		f.countComplaint(err, stopped)
	case diagnosis.OptOut:
		_, err = f.Consent.OptOut(ctx, s, store.Hook, ev)
		if err == nil {
			f.stats().OptOuts.Add(1)
		}
	}
	if err != nil {
		return fmt.Errorf("report from %s: %w", t.Vendor, err)
	}
	f.log().InfoContext(ctx, "reported by the smarthost", slog.String("vendor", t.Vendor), slog.String("kind", string(t.Kind)),
		slog.String("list", s.List), slog.String("to", recipient.Masked()), slog.String("message_id", t.MessageID))
	return nil
}

// toldBounce weighs a bounce: it makes an address dead when the smarthost says
// so and the words of the last mail system, where it repeats them, do not speak
// of anything else.
func (f *Feedback) toldBounce(ctx context.Context, t Told, s consent.Subject, once string) error {
	class, cause, why := diagnosis.Classify(t.Status, t.Reply, t.Said)
	weight := weigh(class, cause, t.Permanent)
	if t.Permanent && class == diagnosis.Undecided && (cause == "" || cause == diagnosis.CauseAddress) {
		weight, why = consent.Hard, "the smarthost reports a dead address"
	}
	stopped, err := f.Consent.Bounced(ctx, consent.Bounce{
		Recipient: s.Recipient, List: s.List, Weight: weight, Way: store.Hook, Once: once,
		Detail: detail(diagnosis.Finding{Class: class, Reply: t.Reply, Status: t.Status, System: t.Vendor, Why: why}),
	}, consent.Evidence{MessageID: t.MessageID, UserAgent: t.Vendor})
	if err == nil {
		f.countBounce(weight, stopped)
	}
	return err
}
