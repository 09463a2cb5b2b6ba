package web

import "offramp/gateway/record"

// held is all that is recorded but the events.
func (h *handler) held(x *submission) record.Held {
	return record.Held{
		Made: h.now().UTC(), Operator: h.operator,
		Person: record.PersonOf(x.visit.subject.Recipient.Key(), x.now.Person), Events: []record.Event{},
	}
}
