package api

import (
	"net/http"
	"testing"
)

// FuzzRequest: whatever the operator's tools send, the answer is a result or
// a problem of the client's, and nothing changes without a success.
func FuzzRequest(f *testing.F) {
	for _, r := range routes {
		f.Add(r.method, r.target, r.body)
	}
	f.Add("POST", "/api/v1/queue", `{"action":"rm","all":true,"All":false}`)
	f.Add("GET", "/api/v1/suppressions?recipient=%00&after=%ff", "")
	f.Add("PATCH", "/api/v1/lists/%2e%2e", `{"name":null}`)
	f.Add("GET", "/api/v1/events?cursor=ZXZlbnRzOjE&latest=true", "")
	f.Add("GET", "/api/v1/suppressions?cursor=c3VwcHJlc3Npb25zOmE&limit=1", "")
	f.Add("POST", "/api/v1/suppressions/batch", `{"items":[{"recipient":"ada@example.com"},{"recipient":"x"}]}`)
	f.Add("POST", "/api/v1/suppressions/check", `{"emails":["ada@example.com","x"],"list":"news"}`)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		parsed, err := http.NewRequest("GET", "http://127.0.0.1:8081"+target, nil)
		if err != nil || len(target) == 0 || target[0] != '/' {
			return
		}
		w := newWorld(t)
		r := request("GET", "/", body)
		r.Method, r.URL = method, parsed.URL
		r.URL.Scheme, r.URL.Host = "", ""
		r.Header.Set("Content-Type", "application/json")
		res, text := w.send(r)
		if res.StatusCode >= 500 || res.StatusCode != 200 && len(w.calls) > 0 {
			t.Errorf("%s %q %q: %s %s, changes %q", method, target, body, res.Status, text, w.calls)
		}
	})
}
