package gateway

import (
	"context"
	"errors"

	"offramp/gateway/callout"
	"offramp/gateway/chain"
	"offramp/gateway/database"
	"offramp/gateway/outbox"
	"offramp/gateway/program"
	"offramp/gateway/record"
	"offramp/gateway/relay"
	"offramp/gateway/render"
	"offramp/listunsub"
	"offramp/store"
)

// Names and kinds of the consumers that the settings name.
const (
	consumerChain = "chain"
	consumerExec  = "exec"
	consumerSQL   = "sql"
)

// joinOutbox makes what sends events to other systems. It comes after the queue,
// which sends mail for it.
func (g *Gateway) joinOutbox(p Parts, counts *stats) error {
	if p.Consumers == nil {
		return nil
	}
	targets, err := callout.ParseTargets(g.config.Callout.Targets)
	if err != nil {
		return err
	}
	g.outbox = &outbox.Outbox{
		Config: g.config.Outbox, Consumers: p.Consumers, Ledger: p.Ledger, Kinds: map[string]outbox.Kind{},
		Now: p.Now, Sure: g.clock.Sure, Log: p.Log, Stats: &counts.outbox,
	}
	return errors.Join(g.joinWebhooks(p), g.joinChain(p, counts, &callout.Client{Targets: targets}), g.joinProgram(p), g.joinDatabase(p))
}

// own adds a consumer that the settings name.
func (g *Gateway) own(name string, kind outbox.Kind, kinds, lists []string) {
	c := store.Consumer{Name: name, Kind: name}
	for _, l := range lists {
		c.Lists = append(c.Lists, listunsub.CanonicalID(l))
	}
	for _, k := range kinds {
		c.Kinds = append(c.Kinds, store.EventKind(k))
	}
	g.outbox.Kinds[name] = kind
	g.outbox.Own = append(g.outbox.Own, c)
}

// chains says whether opt-outs are passed on to the senders' own systems.
func (c Config) chains() bool { return c.Render.ExistingHeader == render.Chain }

// ownWays leads back to this server.
func (c Config) ownWays() chain.Own {
	return chain.Own{Host: c.publicHost(), Domain: c.Feedback()}
}

// memory remembers the senders' own ways out; nil: they are not.
func (c Config) memory(p Parts, counts *stats) relay.Targets {
	if !c.chains() || p.Targets == nil {
		return nil
	}
	return &chain.Memory{Targets: p.Targets, Own: c.ownWays(), Stats: &counts.chain}
}

func (g *Gateway) joinChain(p Parts, counts *stats, caller chain.Caller) error {
	if !g.config.chains() || p.Targets == nil {
		return nil
	}
	sender, err := g.config.operatorMailbox()
	if err != nil {
		return err
	}
	c := &chain.Chain{
		Targets: p.Targets, Records: p.Consent, Events: p.Consent, Caller: caller, Own: g.config.ownWays(),
		Spool: p.Spool, Writer: chain.Writer{Sender: sender, Keys: p.Keys}, Wake: g.queue.Wake, Now: p.Now, Log: p.Log, Stats: &counts.chain,
	}
	g.own(consumerChain, c.Kind(), nil, nil)
	return nil
}

func (g *Gateway) joinProgram(p Parts) error {
	c := g.config.Exec
	if c.Command == "" {
		return nil
	}
	run, err := program.New(c)
	if err != nil {
		return err
	}
	run.Env, run.Log = p.Environ, p.Log
	run.Encode = func(e store.Event) any { return record.EventOf(e) }
	g.own(consumerExec, run.Kind(), c.Kinds, c.Lists)
	return nil
}

func (g *Gateway) joinDatabase(p Parts) (err error) {
	c := g.config.SQL
	if c.URL == "" {
		return nil
	}
	if g.database, err = database.New(c); err != nil {
		return err
	}
	g.database.Log = p.Log
	g.own(consumerSQL, g.database.Kind(), c.Kinds, c.Lists)
	return nil
}

// runOutbox sends events until ctx ends.
func (g *Gateway) runOutbox(ctx context.Context) error {
	if g.outbox == nil {
		return nil
	}
	if g.database == nil {
		return g.outbox.Run(ctx)
	}
	switch err := g.database.Check(ctx); {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, database.ErrAway):
		g.log.Warn("the database of OFFRAMP_SQL_URL does not answer: its events wait", "error", err)
	default:
		g.log.Error("OFFRAMP_SQL_STATEMENT does not fit the database of OFFRAMP_SQL_URL: its events wait", "error", err)
	}
	return errors.Join(g.outbox.Run(ctx), g.database.Close())
}
