package relay

import (
	"context"
	"errors"
	"log/slog"

	"offramp/gateway/envelope"
	"offramp/store"
)

// receipt says what became of a message: to the client, the log and the counts.
func (r *Relay) receipt(ctx context.Context, in *incoming, who sorted, e *envelope.Envelope) Receipt {
	m := in.message
	if s := r.Stats; s != nil {
		s.Octets.Add(in.count.read)
		if m.List == "" || m.Untouched {
			s.Exempt.Add(1)
		}
		if in.left {
			s.PlaceholdersLeft.Add(1)
		}
	}
	r.report(ctx, in, who)
	attrs := []slog.Attr{
		slog.String("queue_id", m.ID),
		slog.String("message_id", m.MessageID),
		slog.String("from", e.ReversePath.Masked()),
		slog.Int("recipients", len(who.keep)),
		slog.Int("dropped", len(who.drop)),
		slog.Int64("size", in.count.read),
		slog.String("list", m.List),
		slog.String("mark", m.Mark),
		slog.String("ip", m.Client),
		slog.Int64("delay_ms", r.now().Sub(m.Received).Milliseconds()),
	}
	if in.left {
		attrs = append(attrs, slog.Bool("placeholder_left", true))
	}
	r.log().LogAttrs(ctx, slog.LevelInfo, "accepted", attrs...)
	return Receipt{QueueID: m.ID, Accepted: len(who.keep), Dropped: len(who.drop)}
}

// report logs drops and counts what passed, of mail that was classified.
func (r *Relay) report(ctx context.Context, in *incoming, who sorted) {
	r.logDrops(ctx, in.message, who.drop)
	if r.Traffic != nil && in.decision.Step != "" {
		r.Traffic.Add(in.message, in.decision, len(who.keep)+len(who.drop), who.optOuts())
	}
}

// logDrops writes a line for each recipient that gets nothing. One that an
// opt-out stopped though nothing in the message speaks of a list is an alarm: it
// may be the password reset of somebody who left a newsletter.
func (r *Relay) logDrops(ctx context.Context, m *store.Message, drops []drop) {
	for _, d := range drops {
		level, text := slog.LevelInfo, "dropped"
		if m.Unmarked && d.event.Reason.OptOut() {
			level, text = slog.LevelWarn, "dropped, though the message has no mark of a list: see OFFRAMP_DEFAULT_STREAM"
			if r.Stats != nil {
				r.Stats.DroppedUnmarked.Add(1)
			}
		}
		r.log().LogAttrs(ctx, level, text,
			slog.String("queue_id", m.ID), slog.String("to", d.address.Masked()), slog.String("list", m.List),
			slog.String("reason", string(d.event.Reason)), slog.String("mark", m.Mark))
	}
}

// count keeps the figures of a message that was accepted or not.
func (r *Relay) count(receipt Receipt, err error) (Receipt, error) {
	s := r.Stats
	switch {
	case s == nil:
	case err == nil:
		s.Messages.Add(1)
		s.Recipients.Add(int64(receipt.Accepted))
		s.Dropped.Add(int64(receipt.Dropped))
	case Permanent(err):
		s.Refused.Add(1)
	default:
		s.Failed.Add(1)
		if errors.Is(err, store.ErrFull) {
			s.Full.Add(1)
		}
	}
	return receipt, err
}
