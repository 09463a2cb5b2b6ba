package gateway

import (
	"offramp/gateway/api"
	"offramp/gateway/callout"
	"offramp/gateway/outbox"
	"offramp/gateway/webhook"
	"offramp/store"
)

// joinWebhooks has the outbox reach webhooks.
func (g *Gateway) joinWebhooks(p Parts) error {
	sender, err := g.config.sender(p)
	if err != nil {
		return err
	}
	g.outbox.Kinds[webhook.Kind] = sender.Kind()
	g.webhooks = &webhook.Webhooks{Outbox: g.outbox, Sender: sender}
	return nil
}

// sender makes the receivers of webhooks. Each has connections of its own, so that one
// that is slow holds up no other at the same host.
func (c Config) sender(p Parts) (*webhook.Sender, error) {
	targets, err := callout.ParseTargets(c.Callout.Targets)
	if err != nil {
		return nil, err
	}
	client := func() *callout.Client { return &callout.Client{Targets: targets, PerTarget: c.Outbox.Lanes} }
	return &webhook.Sender{Client: client, Agent: "offramp", Now: p.Now}, nil
}

// offlineWebhooks is what the operator does with them where no server runs: nothing is
// sent then but test events.
func (c Config) offlineWebhooks(p Parts) (api.Webhooks, error) {
	if p.Consumers == nil {
		return nil, nil
	}
	sender, err := c.sender(p)
	if err != nil {
		return nil, err
	}
	o := &outbox.Outbox{
		Config: c.Outbox, Consumers: p.Consumers, Ledger: p.Ledger, Now: p.Now, Log: p.Log,
		Kinds: map[string]outbox.Kind{webhook.Kind: sender.Kind(), consumerChain: {}, consumerExec: {}, consumerSQL: {}},
	}
	for name, is := range map[string]bool{consumerChain: c.chains(), consumerExec: c.Exec.Command != "", consumerSQL: c.SQL.URL != ""} {
		if is {
			o.Own = append(o.Own, store.Consumer{Name: name, Kind: name})
		}
	}
	return &webhook.Webhooks{Outbox: o, Sender: sender}, nil
}
