package gateway

import (
	"offramp/gateway/api"
	"offramp/gateway/callout"
	"offramp/gateway/outbox"
	"offramp/gateway/webhook"
)

// sender makes the receivers of webhooks. Each has connections of its own, so that one
// that is slow holds up no other at the same host.
func (c Config) sender(p Parts, targets callout.Targets) *webhook.Sender {
	client := func() *callout.Client { return &callout.Client{Targets: targets, PerTarget: c.Outbox.Lanes} }
	return &webhook.Sender{Client: client, Agent: "offramp", Now: p.Now}
}

// offlineWebhooks is what the operator does with them where no server runs: nothing is
// sent then but test events.
func (c Config) offlineWebhooks(p Parts) (api.Webhooks, error) {
	targets, err := callout.ParseTargets(c.Callout.Targets)
	if err != nil {
		return nil, err
	}
	sender, o := c.sender(p, targets), c.outbox(p)
	o.Kinds = map[string]outbox.Kind{webhook.Kind: sender.Kind(), consumerChain: {}, consumerExec: {}, consumerSQL: {}}
	return &webhook.Webhooks{Outbox: o, Sender: sender}, nil
}
