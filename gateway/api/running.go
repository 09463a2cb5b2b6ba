package api

import (
	"context"
	"net/http"

	"offramp/gateway/access"
	"offramp/gateway/record"
)

func (s *server) runningRoutes() {
	add(s, route{
		method: http.MethodPost, path: "/preview", id: "preview", tag: "Server", summary: "What a recipient would be sent",
		doc: "Takes a message as the SMTP listener does and renders it as the queue does, with the keys, settings and opt-outs of this moment. " +
			"Nothing is kept or sent. The answer has the recipient's own link, so this needs the scope admin.",
		scope: access.Admin, maxBody: 2 << 20,
		example: record.PreviewMail{From: "news@example.org", To: "ada@example.net", Message: []byte("From: news@example.org\r\nSubject: News\r\n\r\nHello\r\n")},
	}, s.preview)
	add(s, route{
		method: http.MethodPost, path: "/config/reload", id: "reloadConfig", tag: "Server", summary: "Read the settings again",
		doc:   "As SIGHUP does. Settings with an error change nothing, and are listed in errors.",
		scope: access.Admin,
	}, s.reload)
}

var errNotRunning = refusal{status: http.StatusConflict, detail: "No server runs on this data."}

func (s *server) preview(ctx context.Context, in *struct{ Body record.PreviewMail }) (record.Preview, error) {
	if s.Preview == nil {
		return record.Preview{}, errNotRunning
	}
	if _, err := address(in.Body.To); err != nil {
		return record.Preview{}, err
	}
	return s.Preview.Render(ctx, in.Body)
}

func (s *server) reload(ctx context.Context, _ *noInput) (record.Reloaded, error) {
	if s.Reload == nil {
		return record.Reloaded{}, errNotRunning
	}
	// A client that goes away must not leave it half done.
	return s.Reload(context.WithoutCancel(ctx)), nil
}
