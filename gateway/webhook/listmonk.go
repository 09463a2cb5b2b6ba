package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"offramp/gateway/outbox"
	"offramp/store"
)

// lmBounce is what listmonk's bounce webhook takes.
type lmBounce struct {
	Email  string            `json:"email"`
	Source string            `json:"source"`
	Type   string            `json:"type"`
	Meta   map[string]string `json:"meta"`
}

// listmonk tells a listmonk of an event. It has no webhook for opt-outs: they become
// complaints, or the subscriber goes to the blocklist.
func (r *receiver) listmonk(ctx context.Context, e store.Event) error {
	kind := ""
	switch {
	case e.Kind == store.EventUnsubscribed, e.Kind == store.EventSuppressed && e.Reason == store.ReasonManual:
		if r.settings.Act == Blocklist {
			return r.blocklist(ctx, e.Recipient)
		}
		kind = "complaint"
	case e.Kind == store.EventSuppressed && e.Reason == store.ReasonComplained:
		kind = "complaint"
	case e.Kind == store.EventSuppressed && e.Reason == store.ReasonBounced:
		kind = "hard"
	default:
		return nil
	}
	body, err := encode(lmBounce{
		Email: e.Recipient, Source: "offramp", Type: kind,
		Meta: map[string]string{"event": idOf(e), "kind": string(e.Kind), "list": e.List, "detail": e.Detail},
	})
	if err != nil {
		return err
	}
	return failed(r.do(ctx, call{path: "webhooks/bounce", body: body}))
}

// lmFound is a page of subscribers.
type lmFound struct {
	Data struct {
		Results []struct {
			ID    int64  `json:"id"`
			Email string `json:"email"`
		} `json:"results"`
	} `json:"data"`
}

// blocklist finds a subscriber and puts it on the blocklist. One that is not there
// gets no mail either.
func (r *receiver) blocklist(ctx context.Context, email string) error {
	// The query is SQL of PostgreSQL, where a quotation mark is doubled.
	query := "subscribers.email = '" + strings.ReplaceAll(email, "'", "''") + "'"
	reply, err := r.do(ctx, call{method: http.MethodGet, path: "api/subscribers", query: url.Values{"query": {query}, "per_page": {"10"}}})
	if err := failed(reply, err); err != nil {
		return err
	}
	var found lmFound
	if err := json.Unmarshal(reply.Body, &found); err != nil {
		return &outbox.Failure{Text: "the answer is not that of listmonk's API"}
	}
	var ids []int64
	for _, one := range found.Data.Results {
		if strings.EqualFold(one.Email, email) {
			ids = append(ids, one.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	body, err := encode(map[string]any{"ids": ids})
	if err != nil {
		return err
	}
	return failed(r.do(ctx, call{method: http.MethodPut, path: "api/subscribers/blocklist", body: body}))
}
