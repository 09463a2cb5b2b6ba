package throttle

import (
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"
)

// Lines is a handler for the log of rooms that strangers write to. Of one text
// and one network it passes so many records a minute, and of wider IPv6 networks
// as many more as [Networks] does; the next that passes says how many were left
// out, as left_out. A record without the attribute "ip" always passes.
type Lines struct {
	handler slog.Handler
	state   *lineState   // shared by what With returns
	ip      netip.Prefix // of With
}

type lineState struct {
	buckets Buckets[lineKey]
	left    atomic.Int64  // since the last that passed
	leftOut *atomic.Int64 // ever
}

type lineKey struct {
	text string
	from netip.Prefix
}

// NewLines returns a Lines in front of h. leftOut counts what does not pass.
func NewLines(h slog.Handler, perMinute int, leftOut *atomic.Int64) *Lines {
	return &Lines{handler: h, state: &lineState{buckets: Buckets[lineKey]{PerMinute: perMinute}, leftOut: leftOut}}
}

// Enabled says whether the handler behind takes records of that level.
func (l *Lines) Enabled(ctx context.Context, level slog.Level) bool {
	return l.handler.Enabled(ctx, level)
}

// Handle passes r on, or leaves it out.
func (l *Lines) Handle(ctx context.Context, r slog.Record) error {
	from := l.ip
	r.Attrs(func(a slog.Attr) bool {
		if p, ok := network(a); ok {
			from = p
		}
		return true
	})
	if !from.IsValid() {
		return l.handler.Handle(ctx, r)
	}
	if !l.state.take(r.Message, from, r.Time) {
		l.state.left.Add(1)
		l.state.leftOut.Add(1)
		return nil
	}
	if n := l.state.left.Swap(0); n > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int64("left_out", n))
	}
	return l.handler.Handle(ctx, r)
}

// take counts a record and says whether it passes.
func (s *lineState) take(text string, from netip.Prefix, now time.Time) bool {
	ok := s.buckets.Take(lineKey{text, from}, now)
	for _, w := range widths {
		if p := w.around(from.Addr()); p.IsValid() {
			ok = s.buckets.take(lineKey{text, p}, s.buckets.PerMinute*int(w.times), now) && ok
		}
	}
	return ok
}

// WithAttrs returns a handler that adds attrs and shares what is counted.
func (l *Lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *l
	more.handler = l.handler.WithAttrs(attrs)
	for _, a := range attrs {
		if p, ok := network(a); ok {
			more.ip = p
		}
	}
	return &more
}

// WithGroup returns a handler that opens a group and shares what is counted.
func (l *Lines) WithGroup(name string) slog.Handler {
	more := *l
	more.handler = l.handler.WithGroup(name)
	return &more
}

// network is that of the client an attribute names.
func network(a slog.Attr) (netip.Prefix, bool) {
	if a.Key != "ip" {
		return netip.Prefix{}, false
	}
	ip, err := netip.ParseAddr(a.Value.String())
	return Network(ip), err == nil
}
