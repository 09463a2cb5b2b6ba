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
	"offramp/gateway/webhook"
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
	targets, err := callout.ParseTargets(g.config.Callout.Targets)
	if err != nil {
		return err
	}
	sender := g.config.sender(p, targets)
	g.outbox = g.config.outbox(p)
	g.outbox.Sure, g.outbox.Stats = g.clock.Sure, &counts.outbox
	g.outbox.Kinds = map[string]outbox.Kind{webhook.Kind: sender.Kind()}
	g.webhooks = &webhook.Webhooks{Outbox: g.outbox, Sender: sender}
	return errors.Join(g.joinChain(p, counts, &callout.Client{Targets: targets}), g.joinProgram(p), g.joinDatabase(p))
}

// outbox is what sends events, but for the ways to do so.
func (c Config) outbox(p Parts) *outbox.Outbox {
	return &outbox.Outbox{Config: c.Outbox, Consumers: p.Consumers, Ledger: p.Ledger, Own: c.own(), Now: p.Now, Log: p.Log}
}

// own are the consumers that the settings name.
func (c Config) own() (all []store.Consumer) {
	add := func(is bool, name string, kinds, lists []string) {
		if !is {
			return
		}
		one := store.Consumer{Name: name, Kind: name}
		for _, l := range lists {
			one.Lists = append(one.Lists, listunsub.CanonicalID(l))
		}
		for _, k := range kinds {
			one.Kinds = append(one.Kinds, store.EventKind(k))
		}
		all = append(all, one)
	}
	add(c.chains(), consumerChain, nil, nil)
	add(c.Exec.Command != "", consumerExec, c.Exec.Kinds, c.Exec.Lists)
	add(c.SQL.URL != "", consumerSQL, c.SQL.Kinds, c.SQL.Lists)
	return all
}

// chains says whether opt-outs are passed on to the senders' own systems.
func (c Config) chains() bool { return c.Render.ExistingHeader == render.Chain }

// ownWays leads back to this server.
func (c Config) ownWays() chain.Own {
	return chain.Own{Host: c.publicHost(), Domain: c.Feedback()}
}

// memory remembers the senders' own ways out; nil: they are not.
func (c Config) memory(p Parts, counts *stats) relay.Targets {
	if !c.chains() {
		return nil
	}
	return &chain.Memory{Targets: p.Targets, Own: c.ownWays(), Stats: &counts.chain}
}

func (g *Gateway) joinChain(p Parts, counts *stats, caller chain.Caller) error {
	if !g.config.chains() {
		return nil
	}
	sender, err := g.config.operatorMailbox()
	if err != nil {
		return err
	}
	c := &chain.Chain{
		Targets: p.Targets, Records: p.Consent, Events: p.Consent, Caller: caller, Own: g.config.ownWays(),
		Spool: p.Spool, Writer: chain.Writer{Sender: sender, Keys: p.Keys}, Wake: g.queue.Wake, Now: p.Now, Sure: g.clock.Sure, Log: p.Log,
		Stats: &counts.chain,
	}
	g.outbox.Kinds[consumerChain] = c.Kind()
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
	g.outbox.Kinds[consumerExec] = run.Kind()
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
	g.outbox.Kinds[consumerSQL] = g.database.Kind()
	return nil
}

// checkDatabase says at the start what is wrong with the operator's database and its
// statement. Nothing waits for that: a database that does not answer takes its time.
func (g *Gateway) checkDatabase(ctx context.Context) error {
	switch err := g.database.Check(ctx); {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, database.ErrAway):
		g.log.Warn("the database of OFFRAMP_SQL_URL does not answer: its events wait", "error", err)
	default:
		g.log.Error("OFFRAMP_SQL_STATEMENT does not fit the database of OFFRAMP_SQL_URL: its events wait", "error", err)
	}
	return nil
}

func (g *Gateway) closeDatabase() error {
	if g.database == nil {
		return nil
	}
	return g.database.Close()
}
