package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"offramp/gateway/access"
	"offramp/gateway/outbox"
	"offramp/gateway/record"
	"offramp/store"
)

func (s *server) webhookRoutes() {
	add(s, route{
		method: http.MethodGet, path: "/webhooks", id: "listWebhooks", tag: "Webhooks", summary: "All systems that are sent events",
		doc:   "Also those that are reached in another way, such as a program: their kind says so.",
		scope: access.Admin,
	}, s.allWebhooks)
	add(s, route{
		method: http.MethodPost, path: "/webhooks", id: "addWebhook", tag: "Webhooks", summary: "Add a webhook",
		doc:   "The answer has the secret, which is shown this once.",
		scope: access.Admin, secret: true, example: record.NewWebhook{Name: "crm", URL: "https://crm.example.org/hooks/offramp"},
	}, s.addWebhook)
	add(s, route{
		method: http.MethodGet, path: "/webhooks/{name}", id: "getWebhook", tag: "Webhooks", summary: "One webhook", scope: access.Admin,
	}, s.webhook)
	add(s, route{
		method: http.MethodPatch, path: "/webhooks/{name}", id: "changeWebhook", tag: "Webhooks", summary: "Change a webhook",
		doc:   "Changes what is given; the rest stays. One that is paused stays paused.",
		scope: access.Admin, example: record.WebhookPatch{Lists: &[]string{"news.example.org"}},
	}, s.changeWebhook)
	add(s, route{
		method: http.MethodDelete, path: "/webhooks/{name}", id: "removeWebhook", tag: "Webhooks", summary: "Remove a webhook", scope: access.Admin,
	}, s.removeWebhook)
	add(s, route{
		method: http.MethodPost, path: "/webhooks/{name}/test", id: "testWebhook", tag: "Webhooks", summary: "Send a test event",
		doc:   "Sends an event about nobody, and answers what the receiver said.",
		scope: access.Admin,
	}, s.testWebhook)
	add(s, route{
		method: http.MethodPost, path: "/webhooks/{name}/pause", id: "pauseWebhook", tag: "Webhooks", summary: "Pause a webhook",
		doc:   "Nothing is sent until it is resumed. Events wait for as long as the ledger keeps them.",
		scope: access.Admin,
	}, s.pauseWebhook)
	add(s, route{
		method: http.MethodPost, path: "/webhooks/{name}/resume", id: "resumeWebhook", tag: "Webhooks", summary: "Resume a webhook",
		doc:   "Goes on after the last acknowledged event, at once.",
		scope: access.Admin,
	}, s.resumeWebhook)
	add(s, route{
		method: http.MethodPost, path: "/webhooks/{name}/replay", id: "replayWebhook", tag: "Webhooks", summary: "Send events again",
		doc:   "Sends every event from there on, also those that were acknowledged, with the ids that they had. One that is paused is resumed.",
		scope: access.Admin, example: record.WebhookReplay{After: new(int64(0))},
	}, s.replayWebhook)
	add(s, route{
		method: http.MethodPost, path: "/webhooks/{name}/skip", id: "skipEvent", tag: "Webhooks", summary: "Pass over an event",
		doc:   "For an event that the receiver will never take. One that is paused is resumed.",
		scope: access.Admin, example: record.WebhookSkip{Event: 57},
	}, s.skipEvent)
	add(s, route{
		method: http.MethodPost, path: "/webhooks/{name}/rotate", id: "rotateWebhook", tag: "Webhooks", summary: "Rotate the secret",
		doc:   "The answer has the new secret, which is shown this once.",
		scope: access.Admin, secret: true, example: record.WebhookRotation{Overlap: new(int64(3600))},
	}, s.rotateWebhook)
}

// WebhookPath names a webhook in a path.
type WebhookPath struct {
	Name string `path:"name" example:"crm" doc:"The webhook's name."`
}

// webhookFault makes sentences for the client of what it asked for wrongly.
func webhookFault(err error) error {
	status := 0
	switch {
	case errors.Is(err, outbox.ErrSettings):
		_, detail, _ := strings.Cut(err.Error(), ": ")
		return badRequest("%s.", detail)
	case errors.Is(err, outbox.ErrName), errors.Is(err, outbox.ErrKind), errors.Is(err, outbox.ErrEvent):
		status = http.StatusBadRequest
	case errors.Is(err, outbox.ErrTaken), errors.Is(err, outbox.ErrOwn):
		status = http.StatusConflict
	case errors.Is(err, store.ErrFull):
		return refusal{status: http.StatusConflict, detail: "There are too many webhooks: remove one."}
	default:
		return err
	}
	return refusal{status: status, detail: strings.ToUpper(err.Error()[:1]) + err.Error()[1:] + "."}
}

func (s *server) allWebhooks(ctx context.Context, _ *noInput) (record.WebhookPage, error) {
	if s.Webhooks == nil {
		return record.WebhookPage{Items: []record.Webhook{}}, nil
	}
	all, err := s.Webhooks.All(ctx)
	return record.WebhookPage{Items: all}, err
}

// hook runs what is about one webhook, and logs a change.
func hook[T any](ctx context.Context, s *server, name, what string, do func() (T, error)) (out T, err error) {
	if s.Webhooks == nil {
		return out, errNothingHere
	}
	if out, err = do(); err != nil {
		return out, webhookFault(err)
	}
	if what != "" {
		s.log().InfoContext(ctx, what, "webhook", name, "ip", callerOf(ctx).ip.String())
	}
	return out, nil
}

func (s *server) addWebhook(ctx context.Context, in *struct{ Body record.NewWebhook }) (record.CreatedWebhook, error) {
	n := in.Body
	if n.Name == "" || n.URL == "" {
		return record.CreatedWebhook{}, badRequest("Give name and url.")
	}
	if err := errors.Join(plain("name", n.Name, maxWebhookName), checkWebhook(n.URL, n.Act, n.Secret, n.Lists, n.Kinds), checkFormat(n.Format)); err != nil {
		return record.CreatedWebhook{}, err
	}
	return hook(ctx, s, n.Name, "webhook added", func() (record.CreatedWebhook, error) { return s.Webhooks.Add(ctx, n) })
}

// The most characters and items of a webhook, as record.NewWebhook documents them.
const (
	maxWebhookName  = 64
	maxWebhookURL   = 2000
	maxSecret       = 200
	maxWebhookLists = 100
	maxWebhookKinds = 50
	maxOverlap      = 30 * 24 * 60 * 60 // seconds
)

// checkWebhook refuses what is longer than documented.
func checkWebhook(url, act, secret string, lists, kinds []string) error {
	for _, text := range []struct {
		name, value string
		most        int
	}{{"url", url, maxWebhookURL}, {"secret", secret, maxSecret}} {
		if err := plain(text.name, text.value, text.most); err != nil {
			return err
		}
	}
	if act != "" {
		if err := oneOf("act", act, "complaint", "blocklist"); err != nil {
			return err
		}
	}
	if len(lists) > maxWebhookLists || len(kinds) > maxWebhookKinds {
		return badRequest("lists may name at most %d, and kinds at most %d.", maxWebhookLists, maxWebhookKinds)
	}
	for _, list := range lists {
		if err := plain("lists", list, maxListID); err != nil {
			return err
		}
	}
	return nil
}

func checkFormat(format string) error {
	if format == "" {
		return nil
	}
	return oneOf("format", format, "standard", "sendgrid", "postmark", "mailgun", "listmonk")
}

func (s *server) webhook(ctx context.Context, in *WebhookPath) (record.Webhook, error) {
	return hook(ctx, s, in.Name, "", func() (record.Webhook, error) { return s.Webhooks.One(ctx, in.Name) })
}

func (s *server) changeWebhook(ctx context.Context, in *struct {
	WebhookPath
	Body record.WebhookPatch
}) (record.Webhook, error) {
	if in.Body == (record.WebhookPatch{}) {
		return record.Webhook{}, badRequest("Give url, act, lists or kinds.")
	}
	p, value := in.Body, func(text *string) string {
		if text == nil {
			return ""
		}
		return *text
	}
	if err := checkWebhook(value(p.URL), value(p.Act), "", itemsOf(p.Lists), itemsOf(p.Kinds)); err != nil {
		return record.Webhook{}, err
	}
	return hook(ctx, s, in.Name, "webhook changed", func() (record.Webhook, error) { return s.Webhooks.Change(ctx, in.Name, in.Body) })
}

func itemsOf(all *[]string) []string {
	if all == nil {
		return nil
	}
	return *all
}

func (s *server) removeWebhook(ctx context.Context, in *WebhookPath) (record.Changed, error) {
	return hook(ctx, s, in.Name, "webhook removed", func() (record.Changed, error) {
		return record.Changed{Changed: 1}, s.Webhooks.Remove(ctx, in.Name)
	})
}

func (s *server) testWebhook(ctx context.Context, in *WebhookPath) (record.WebhookTest, error) {
	return hook(ctx, s, in.Name, "webhook tested", func() (record.WebhookTest, error) { return s.Webhooks.Test(ctx, in.Name) })
}

func (s *server) pauseWebhook(ctx context.Context, in *WebhookPath) (record.Webhook, error) {
	return hook(ctx, s, in.Name, "webhook paused", func() (record.Webhook, error) { return s.Webhooks.Pause(ctx, in.Name) })
}

func (s *server) resumeWebhook(ctx context.Context, in *WebhookPath) (record.Webhook, error) {
	return hook(ctx, s, in.Name, "webhook resumed", func() (record.Webhook, error) { return s.Webhooks.Resume(ctx, in.Name) })
}

func (s *server) replayWebhook(ctx context.Context, in *struct {
	WebhookPath
	Body record.WebhookReplay
}) (record.Webhook, error) {
	if in.Body.After == nil && in.Body.Since.IsZero() {
		return record.Webhook{}, badRequest("Give after or since.")
	}
	return hook(ctx, s, in.Name, "webhook replayed", func() (record.Webhook, error) { return s.Webhooks.Replay(ctx, in.Name, in.Body) })
}

func (s *server) skipEvent(ctx context.Context, in *struct {
	WebhookPath
	Body record.WebhookSkip
}) (record.Webhook, error) {
	if in.Body.Event < 1 {
		return record.Webhook{}, badRequest("event must be the id of an event.")
	}
	return hook(ctx, s, in.Name, "event passed over", func() (record.Webhook, error) { return s.Webhooks.Skip(ctx, in.Name, in.Body.Event) })
}

func (s *server) rotateWebhook(ctx context.Context, in *struct {
	WebhookPath
	Body record.WebhookRotation
}) (record.CreatedWebhook, error) {
	if err := plain("secret", in.Body.Secret, maxSecret); err != nil {
		return record.CreatedWebhook{}, err
	}
	if o := in.Body.Overlap; o == nil || *o < 0 || *o > maxOverlap {
		return record.CreatedWebhook{}, badRequest("Give overlap in seconds, from 0 to %d.", maxOverlap)
	}
	return hook(ctx, s, in.Name, "secret of a webhook rotated", func() (record.CreatedWebhook, error) { return s.Webhooks.Rotate(ctx, in.Name, in.Body) })
}
