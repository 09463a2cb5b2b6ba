package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/api"
	"offramp/gateway/clock"
	"offramp/gateway/consent"
	"offramp/gateway/feedback"
	"offramp/gateway/history"
	"offramp/gateway/hook"
)

// API returns the handler of the operator's API over data that no server has
// open: it answers as the server would, without a listener. What only a running
// server knows, such as its metrics, is not in it.
//
// work does what the API only takes, such as imports, until its context ends.
func API(ctx context.Context, c Config, p Parts) (h http.Handler, work func(context.Context) error, err error) {
	p.fill()
	known := c.clock(p)
	if err := known.Read(ctx); err != nil {
		return nil, nil, err
	}
	people := c.people(p, known, c.kept(p))
	imports := c.jobs(p, people)
	a := c.api(p, people, known, c.access(p))
	if a.Webhooks, err = c.offlineWebhooks(p); err != nil {
		return nil, nil, err
	}
	a.Imports = imports
	return a.Handler(), imports.Run, nil
}

// fill puts in what is used where nothing was given.
func (p *Parts) fill() {
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.Now == nil {
		p.Now = time.Now
	}
}

// clock is what is known about the machine's clock.
func (c Config) clock(p Parts) *clock.Clock {
	return &clock.Clock{Config: c.Clock, Store: p.Consent, Now: p.Now, Log: p.Log}
}

// kept is mail that came back and was not understood.
func (c Config) kept(p Parts) *feedback.Kept {
	return &feedback.Kept{Dir: p.FeedbackDir, Most: c.Returns.Keep}
}

// history is what says what became of mail.
func (c Config) history(p Parts, known *clock.Clock) *history.History {
	return &history.History{Config: c.History, Store: p.History, Ledger: p.Consent, Space: p.Spool, Sure: known.Sure, Log: p.Log}
}

// people is what changes choices, and says the verdict.
func (c Config) people(p Parts, known *clock.Clock, kept *feedback.Kept) *consent.Consent {
	return &consent.Consent{
		Config: c.Consent, Store: p.Consent, Records: p.Consent, Turns: p.Consent, Lists: p.Consent, Mail: p.Spool, Copies: kept, History: p.History, Imports: p.Jobs,
		Now: p.Now, Sure: known.Sure, Latest: known.Latest, Log: p.Log,
	}
}

// api is the operator's side, but for what only a running server knows.
func (c Config) api(p Parts, people *consent.Consent, known *clock.Clock, who *access.Access) *api.API {
	return &api.API{
		Access: who, Keys: who, Consent: people, Records: p.Consent, Lists: p.Consent, Queue: p.Spool, Receipts: p.Receipts,
		Messages: c.history(p, known), Traffic: p.Consent, Counts: p.Counts, Leaks: p.Leaks, DefaultStream: c.Relay.DefaultStream, Clock: known,
		Checks: []api.Check{{Name: "spool writes", Run: p.Spool.Ready}, {Name: "consent", Run: func(ctx context.Context) error {
			return errors.Join(p.Consent.Ready(ctx), answers(ctx, p.Consent))
		}}},
		Scrubber: p.Scrubber, EraseWithin: c.Consent.OverwrittenWithin(),
		MinFree: uint64(c.Relay.WithDefaults().MaxMessageSize) * 3 / 2,
		Version: p.Version, Revision: p.Revision, Log: p.Log, Now: p.Now,
	}
}

// joinAPI makes the server of the admin listener.
func (g *Gateway) joinAPI(p Parts, counts *stats, hooks *hook.Hooks) {
	g.access = g.config.access(p)
	a := g.config.api(p, g.people, g.clock, g.access)
	g.jobs = g.config.jobs(p, g.people)
	a.Imports, a.Webhooks, a.Preview = g.jobs, g.webhooks, g.preview
	a.Collectors, a.Flush, a.Reload = g.collectors(p, counts, hooks), g.queue.Flush, p.Reload
	g.admin = a.Server()
	g.admin.Handler = g.joinCompat(p, g.admin.Handler)
}
