package api

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"offramp/gateway/outbox"
	"offramp/gateway/record"
	"offramp/store"
)

// hooks are the webhooks of a world: one, which is called crm.
type hooks struct{ w *world }

func (h hooks) crm(name, what string) (record.Webhook, error) {
	if h.w.err != nil {
		return record.Webhook{}, h.w.err
	}
	if name != "crm" {
		return record.Webhook{}, store.ErrNotFound
	}
	if what != "" {
		h.w.calls = append(h.w.calls, what+" "+name)
	}
	return record.Webhook{Name: "crm", Kind: "webhook", URL: "https://crm.example.org/", Format: "standard", State: "active", Created: start}, nil
}

func (h hooks) All(context.Context) ([]record.Webhook, error) {
	one, err := h.crm("crm", "")
	return []record.Webhook{one}, err
}

func (h hooks) One(_ context.Context, name string) (record.Webhook, error) { return h.crm(name, "") }

func (h hooks) Add(_ context.Context, n record.NewWebhook) (created record.CreatedWebhook, err error) {
	switch {
	case strings.Contains(n.URL, "private"):
		return created, fmt.Errorf("%w: url: may not be called", outbox.ErrSettings)
	case n.Name == "taken":
		return created, fmt.Errorf("%w: %q", outbox.ErrTaken, n.Name)
	case n.Name == "BAD":
		return created, outbox.ErrName
	case n.Name == "full":
		return created, fmt.Errorf("add consumer: %w", store.ErrFull)
	}
	created.Secret = "whsec_AAAA"
	created.Webhook, err = h.crm("crm", "add")
	return created, err
}

func (h hooks) Change(_ context.Context, name string, _ record.WebhookPatch) (record.Webhook, error) {
	return h.crm(name, "change")
}

func (h hooks) Rotate(_ context.Context, name string, _ record.WebhookRotation) (created record.CreatedWebhook, err error) {
	created.Secret = "whsec_BBBB"
	created.Webhook, err = h.crm(name, "rotate")
	return created, err
}

func (h hooks) Remove(_ context.Context, name string) error {
	_, err := h.crm(name, "remove")
	return err
}

func (h hooks) Pause(_ context.Context, name string) (record.Webhook, error) {
	return h.crm(name, "pause")
}

func (h hooks) Resume(_ context.Context, name string) (record.Webhook, error) {
	return h.crm(name, "resume")
}

func (h hooks) Replay(_ context.Context, name string, _ record.WebhookReplay) (record.Webhook, error) {
	return h.crm(name, "replay")
}

func (h hooks) Skip(_ context.Context, name string, _ int64) (record.Webhook, error) {
	return h.crm(name, "skip")
}

func (h hooks) Test(_ context.Context, name string) (record.WebhookTest, error) {
	_, err := h.crm(name, "test")
	return record.WebhookTest{OK: true, Status: 200}, err
}

func TestWebhooks(t *testing.T) {
	for _, c := range []struct {
		method, target, body string
		status               int
		want                 string // of the answer
	}{
		{"GET", "/api/v1/webhooks", "", 200, `"name":"crm"`},
		{"POST", "/api/v1/webhooks", `{"name":"crm","url":"https://crm.example.org/"}`, 200, `"secret":"whsec_AAAA"`},
		{"POST", "/api/v1/webhooks", `{"name":"crm","url":"https://private.example.org/"}`, 400, "url: may not be called."},
		{"POST", "/api/v1/webhooks", `{"name":"taken","url":"https://crm.example.org/"}`, 409, "There is a consumer of that name already"},
		{"POST", "/api/v1/webhooks", `{"name":"BAD","url":"https://crm.example.org/"}`, 400, "A name has 1 to 64 characters"},
		{"POST", "/api/v1/webhooks", `{"name":"full","url":"https://crm.example.org/"}`, 409, "too many webhooks"},
		{"POST", "/api/v1/webhooks", `{"name":"crm","url":"https://crm.example.org/\n"}`, 400, "one line"},
		{"PATCH", "/api/v1/webhooks/crm", `{}`, 400, "Give url"},
		{"PATCH", "/api/v1/webhooks/nobody", `{"url":"https://crm.example.org/"}`, 404, ""},
		{"DELETE", "/api/v1/webhooks/crm", "", 200, `"changed":1`},
		{"DELETE", "/api/v1/webhooks/nobody", "", 404, ""},
		{"POST", "/api/v1/webhooks/crm/skip", `{"event":0}`, 400, "id of an event"},
		{"POST", "/api/v1/webhooks/crm/rotate", `{"overlap":0}`, 200, `"secret":"whsec_BBBB"`},
		{"POST", "/api/v1/webhooks/crm/explode", `{}`, 404, ""},
	} {
		w := newWorld(t)
		res, text := w.send(request(c.method, c.target, c.body))
		if res.StatusCode != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.target, c.body, res.StatusCode, text, c.status, c.want)
		}
		if c.status != 200 && len(w.calls) > 0 {
			t.Errorf("%s %s %s: changes %q", c.method, c.target, c.body, w.calls)
		}
	}
}
