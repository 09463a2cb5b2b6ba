package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	"offramp/gateway/chain"
	"offramp/gateway/confirmation"
	"offramp/gateway/consent"
	"offramp/gateway/dkim"
	"offramp/gateway/feedback"
	"offramp/gateway/footer"
	"offramp/gateway/hook"
	"offramp/gateway/language"
	"offramp/gateway/nexthop"
	"offramp/gateway/outbox"
	"offramp/gateway/policy"
	"offramp/gateway/queue"
	"offramp/gateway/relay"
	"offramp/gateway/render"
	"offramp/gateway/smtpd"
	"offramp/gateway/stream"
	"offramp/gateway/throttle"
	"offramp/gateway/traffic"
	"offramp/gateway/web"
	"offramp/store"
)

// stats are the counts of every room.
type stats struct {
	consent  consent.Stats
	smtp     smtpd.Stats
	relay    relay.Stats
	nextHop  nexthop.Stats
	queue    queue.Stats
	feedback feedback.Stats
	hook     hook.Stats
	policy   policy.Stats
	web      web.Stats
	outbox   outbox.Stats
	chain    chain.Stats
	leftOut  atomic.Int64 // lines of the log
}

// linesPerMinute is how many lines of one text the log has of one network of
// strangers. What they did is in the ledger and the metrics.
const linesPerMinute = 60

// join makes the rooms and connects them. Nothing runs yet.
func (g *Gateway) join(p Parts) error {
	c, counts := g.config, new(stats)
	strangers := slog.New(throttle.NewLines(p.Log.Handler(), linesPerMinute, &counts.leftOut))
	kept := c.kept(p)
	g.clock = c.clock(p)
	people := c.people(p, g.clock, kept)
	people.Stats = &counts.consent
	g.people = people
	g.history = c.history(p, g.clock)
	returns := &feedback.Feedback{
		Config: c.Returns, Domain: c.Feedback(), Tokens: p.Tokens, Consent: people, Answers: people, Lists: p.Consent, Codes: p.Consent,
		Kept: kept, Sent: new(feedback.Sent), Verify: dkim.Verifier{Resolver: p.Resolver}, Now: p.Now, Log: strangers, Stats: &counts.feedback,
	}

	g.traffic = &traffic.Counter{Store: p.Consent, Now: p.Now, Sure: g.clock.Sure, Log: p.Log}
	renderer, err := g.joinQueue(p, returns, counts)
	if err != nil {
		return err
	}
	if err := g.joinOutbox(p, counts); err != nil {
		return err
	}
	acceptance := c.Relay
	acceptance.DefaultStream = cmp.Or(acceptance.DefaultStream, p.EarlierStream)
	classifier, err := acceptance.NewClassifier(p.Keys.Signs)
	if err != nil {
		return err
	}
	accept := &relay.Relay{
		Classifier: classifier, Signs: p.Keys.Signs, Traffic: passing{g.traffic, returns.Sent},
		Config: acceptance, Hostname: c.Hostname, Spool: p.Spool, Lists: p.Consent, Verdicts: people, Events: p.Consent, History: p.History,
		Targets: c.memory(p, counts), Wake: g.queue.Wake, Now: p.Now, Log: p.Log, Stats: &counts.relay,
	}
	returns.Senders, g.accept = accept, accept
	g.joinPolicy(strangers, accept, returns, counts)
	g.joinPreview(p, renderer)
	logins, err := smtpd.ParseLogins(c.SMTPUsers)
	if err != nil {
		return loginFault(err)
	}
	g.smtp = &smtpd.Server{
		Config: c.SMTP, Hostname: c.Hostname, Relay: accept, Logins: logins,
		FixLineEnds: c.Relay.BareNewline != relay.BareReject, MaxMessageSize: c.Relay.MaxMessageSize, MaxRecipients: c.Relay.MaxRecipients,
		Feedback: returns, TLS: p.SMTPTLS, Dir: p.IncomingDir, Log: strangers, Stats: &counts.smtp,
	}
	if g.web, err = g.joinPages(p, strangers, people, counts); err != nil {
		return err
	}
	hooks := &hook.Hooks{Config: c.Hooks, Base: c.path(), Outcomes: returns, Now: p.Now, Log: strangers, Stats: &counts.hook}
	g.joinAPI(p, counts, hooks)
	g.web.Handler, g.admin.Handler = hooks.In(g.web.Handler), hooks.In(g.admin.Handler)
	return nil
}

// joinQueue makes the queue, with what renders for it and sends for it.
func (g *Gateway) joinQueue(p Parts, returns *feedback.Feedback, counts *stats) (*render.Renderer, error) {
	c := g.config
	hops, err := nexthop.New(c.NextHop, nexthop.Parts{Hostname: c.Hostname, Memory: c.Queue.Pause(), Now: p.Now, Log: p.Log, Stats: &counts.nextHop})
	if err != nil {
		return nil, err
	}
	g.hops = hops
	line, err := c.footer()
	if err != nil {
		return nil, err
	}
	renderer := &render.Renderer{
		Tokens: p.Tokens, Keys: p.Keys, PublicURL: c.PublicURL, FeedbackDomain: c.Feedback(),
		ExistingHeader: c.Render.ExistingHeader, LongLines: c.Render.LongLines, SignList: c.Relay.Sign == relay.SignList, Feedback: c.waysBack(),
		Footer: line,
	}
	g.queue, err = queue.New(c.Queue, queue.Parts{
		Spool: p.Spool, Lists: p.Consent, Codes: p.Consent, Events: p.Consent, Verdicts: g.people, Contacts: p.Consent,
		Renderer: renderer,
		Hops:     hops, Refusals: refusals{returns}, Traffic: g.traffic,
		Hostname: c.Hostname, Now: p.Now, Sure: g.clock.Sure, Log: p.Log, Stats: &counts.queue,
	})
	return renderer, err
}

// footer returns the visible line; nil: there is none.
func (c Config) footer() (*footer.Footer, error) {
	if c.Render.Footer != render.Add {
		return nil, nil
	}
	texts, err := language.Load(c.Web.TextDir())
	if err != nil {
		return nil, fmt.Errorf("OFFRAMP_PAGE_DIR: %w", err)
	}
	f := &footer.Footer{Texts: texts, Language: c.Web.PageLanguage, Privacy: c.Web.PrivacyURL, Ours: strings.TrimRight(c.PublicURL, "/")}
	if f.Operator = c.Web.OperatorName; f.Operator == "" {
		f.Operator = c.publicHost()
	}
	if err := f.Load(c.Web.PageDir); err != nil {
		return nil, fmt.Errorf("OFFRAMP_PAGE_DIR: %w", err)
	}
	return f, nil
}

// joinPages makes the server of the recipients' pages, which writes to them too.
func (g *Gateway) joinPages(p Parts, log *slog.Logger, people *consent.Consent, counts *stats) (*http.Server, error) {
	c := g.config
	texts, err := language.Load(c.Web.TextDir())
	if err != nil {
		return nil, fmt.Errorf("OFFRAMP_PAGE_DIR: %w", err)
	}
	from, err := c.operatorMailbox()
	if err != nil {
		return nil, err
	}
	g.pages = &web.Site{
		Config: c.Web, PublicURL: c.PublicURL, Tokens: p.Tokens, Consent: people, Lists: p.Consent, Readers: p.Consent, Ledger: p.Consent,
		Contact: from.String(),
		Asker: &confirmation.Confirmation{
			Spool: p.Spool, Tokens: p.Tokens, Keys: p.Keys, PublicURL: c.PublicURL,
			From: from, Operator: c.Web.OperatorName, Wake: g.queue.Wake, Now: p.Now,
		},
		Texts: texts, Receipts: p.Receipts, Retention: c.Consent.Retention, EraseWithin: c.Consent.OverwrittenWithin(), Log: log, Stats: &counts.web, Now: p.Now,
	}
	server, err := g.pages.Server()
	if err != nil {
		return nil, err
	}
	server.TLSConfig = p.HTTPTLS
	return server, nil
}

// answers says whether the store of people's choices can be read.
func answers(ctx context.Context, lists store.Consent) error {
	_, err := lists.List(ctx, "readiness.invalid")
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// passing counts what passes, and remembers it for complaints that say no more
// than its Message-ID.
type passing struct {
	*traffic.Counter
	sent *feedback.Sent
}

func (p passing) Add(m *store.Message, d stream.Decision, recipients, dropped int) {
	p.Counter.Add(m, d, recipients, dropped)
	p.sent.Add(m.MessageID, m.List)
}

// refusals hands what next hops refuse to the room that counts bounces.
type refusals struct{ to *feedback.Feedback }

func (r refusals) Refused(ctx context.Context, one queue.Refusal) error {
	return r.to.Refused(ctx, feedback.Refusal(one))
}
