package api

import (
	"context"
	"testing"

	"offramp/gateway/record"
)

// rendering renders what it is given.
type rendering struct{}

func (rendering) Render(_ context.Context, m record.PreviewMail) (record.Preview, error) {
	return record.Preview{Message: m.Message, List: "news.example.org", Signed: true}, nil
}

// Without a server there is nothing to render with or to reload.
func TestOnlyARunningServer(t *testing.T) {
	w := newWorld(t)
	w.api.Preview, w.api.Reload = nil, nil
	w.handler = w.api.Handler()
	for target, body := range map[string]string{"/api/v1/preview": `{"to":"ada@example.net","message":"QQ=="}`, "/api/v1/config/reload": ""} {
		w.refused(request("POST", target, body), 409)
	}
}
