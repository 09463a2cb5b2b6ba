package gateway

import (
	"offramp/gateway/api"
	"offramp/gateway/clock"
	"offramp/gateway/consent"
	"offramp/gateway/history"
	"offramp/gateway/relay"
)

// history is what says what became of mail; nil: none is kept.
func (c Config) history(p Parts, known *clock.Clock) *history.History {
	if p.History == nil {
		return nil
	}
	return &history.History{Config: c.History, Store: p.History, Ledger: p.Consent, Space: p.Spool, Sure: known.Sure, Log: p.Log}
}

// An interface that holds a nil pointer is not nil: hence these.

func (c Config) messages(p Parts, known *clock.Clock) api.Messages {
	if h := c.history(p, known); h != nil {
		return h
	}
	return nil
}

func noted(p Parts) relay.History {
	if p.History == nil {
		return nil
	}
	return p.History
}

func forgotten(p Parts) consent.History {
	if p.History == nil {
		return nil
	}
	return p.History
}
