package api

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/record"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
)

func TestQueueList(t *testing.T) {
	w := newWorld(t)
	message := func(id string) *store.Message {
		return &store.Message{ID: id, Received: start, ReversePath: "news@example.org", Trace: []byte("12345"), Header: []byte("1234567890"), Size: 100,
			List: "news.example.org", MessageID: "<1@example.org>", Client: "127.0.0.1", Login: "app"}
	}
	queued := store.Recipient{Address: "ada@example.com", State: store.Queued, Next: start}
	deferred := store.Recipient{Address: "bob@example.com", State: store.Queued, Attempts: 2, Next: start.Add(time.Hour),
		Status: store.Status{Code: 451, Enhanced: "4.2.2", Text: "mailbox full", Host: "mx.example.com"}}
	held := store.Recipient{Address: "eve@example.com", State: store.Held}
	w.entries = []store.QueueEntry{
		{Message: message("a"), Recipients: []store.Recipient{deferred}, Active: 1},
		{Message: message("b"), Recipients: []store.Recipient{deferred, held}},
		{Message: message("c"), Recipients: []store.Recipient{held}},
		{Message: message("d"), Recipients: []store.Recipient{queued, deferred}},
	}
	page := call[record.QueuePage](w, "GET", "/api/v1/queue?limit=4&id=a&state=held&domain=EXAMPLE.com&sender=News@example.org&after=0", "")
	names := []string{}
	for _, e := range page.Items {
		names = append(names, e.QueueName)
	}
	if want := []string{"active", "deferred", "hold", "active"}; !slices.Equal(names, want) {
		t.Errorf("queue names %q, want %q", names, want)
	}
	if page.Next != "d" {
		t.Errorf("next %q", page.Next)
	}
	want := record.QueueEntry{
		QueueName: "active", QueueID: "a", ArrivalTime: start.Unix(), MessageSize: 115, Sender: "news@example.org",
		Recipients: []record.QueueRecipient{{Address: "bob@example.com", DelayReason: "mailbox full", State: "queued", Attempts: 2,
			Next: start.Add(time.Hour), Code: 451, Status: "4.2.2", Relay: "mx.example.com"}},
		List: "news.example.org", MessageID: "<1@example.org>", Client: "127.0.0.1", Login: "app",
	}
	if d := cmp.Diff(want, page.Items[0]); d != "" {
		t.Error(d)
	}
	filter := store.QueueFilter{ID: "a", State: store.Held, Domain: "example.com", Sender: "News@example.org", After: "0", Limit: 4}
	if d := cmp.Diff(filter, w.queueFilter); d != "" {
		t.Error(d)
	}
	if page := call[record.QueuePage](w, "GET", "/api/v1/queue", ""); page.Next != "" || len(page.Items) != 4 {
		t.Errorf("without limit: next %q, %d items", page.Next, len(page.Items))
	}
}

func TestQueueAct(t *testing.T) {
	for _, c := range []struct {
		body    string
		want    store.QueueFilter
		flushed int
	}{
		{`{"action":"retry","id":"abc"}`, store.QueueFilter{ID: "abc"}, 1},
		{`{"action":"release","state":"held"}`, store.QueueFilter{State: store.Held}, 1},
		{`{"action":"hold","domain":"Example.COM"}`, store.QueueFilter{Domain: "example.com"}, 0},
		{`{"action":"rm","sender":"a@example.org"}`, store.QueueFilter{Sender: "a@example.org"}, 0},
		{`{"action":"rm","all":true}`, store.QueueFilter{}, 0},
	} {
		w := newWorld(t)
		got := call[record.Changed](w, "POST", "/api/v1/queue", c.body)
		if got.Changed != 2 || w.queueFilter != c.want || w.flushed != c.flushed || len(w.calls) != 1 {
			t.Errorf("%s: %+v, filter %+v, flushed %d, calls %q", c.body, got, w.queueFilter, w.flushed, w.calls)
		}
	}
}

// A body that cannot be read is explained without a word about this program.
func TestBadBodyTexts(t *testing.T) {
	for body, want := range map[string]string{
		` `:                            "The body is empty or ends early.",
		`{"action":`:                   "The body is empty or ends early.",
		`[]`:                           "The body must be one JSON object.",
		`"rm"`:                         "The body must be one JSON object.",
		`{"action":1}`:                 "action must not be a JSON number.",
		`{"action":"rm","all":"yes"}`:  "all must not be a JSON string.",
		`{"action":"rm","everyone":1}`: `The body is invalid: unknown field \"everyone\".`,
	} {
		_, got := newWorld(t).send(request("POST", "/api/v1/queue", body))
		if !strings.Contains(got, want) || strings.Contains(got, "api.") {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

func TestBadInput(t *testing.T) {
	for _, c := range []struct {
		method, target, body string
		status               int
	}{
		{"GET", "/api/v1/queue?state=lost", "", 400},
		{"GET", "/api/v1/queue?domian=example.com", "", 400},
		{"GET", "/api/v1/queue?id=a&id=b", "", 400},
		{"GET", "/api/v1/queue?id=%zz", "", 400},
		{"GET", "/api/v1/queue?limit=0", "", 400},
		{"GET", "/api/v1/queue?limit=10001", "", 400},
		{"GET", "/api/v1/queue?domain=a%20b", "", 400},
		{"GET", "/api/v1/queue?sender=x", "", 400},
		{"POST", "/api/v1/queue", `{"action":"rm"}`, 400},
		{"POST", "/api/v1/queue", `{"action":"rm","all":true,"id":"a"}`, 400},
		{"POST", "/api/v1/queue", `{"action":"explode","all":true}`, 400},
		{"POST", "/api/v1/queue", `{"action":"rm","state":"lost"}`, 400},
		{"POST", "/api/v1/queue", `{"action":"rm","idd":"a"}`, 400},
		{"POST", "/api/v1/queue", `{"action":"rm","all":"yes"}`, 400},
		{"POST", "/api/v1/queue", `{"action":"rm","all":true}{}`, 400},
		{"POST", "/api/v1/queue", `{"action":"rm","all":true} x`, 400},
		{"POST", "/api/v1/queue", `{"action":`, 400},
		{"POST", "/api/v1/queue", `[]`, 400},
		{"POST", "/api/v1/queue", ` `, 400},
		{"POST", "/api/v1/queue", `{"id":"` + strings.Repeat("a", 70<<10) + `"}`, 413},
		{"GET", "/api/v1/suppressions?recipient=x", "", 400},
		{"GET", "/api/v1/suppressions?reason=x", "", 400},
		{"POST", "/api/v1/suppressions", `{}`, 400},
		{"POST", "/api/v1/suppressions", `{"recipient":"nobody"}`, 400},
		{"POST", "/api/v1/suppressions", `{"recipient":"a@example.com","reason":"mood"}`, 400},
		{"POST", "/api/v1/suppressions", `{"recipient":"a@example.com","reason":"unsubscribed-all","list":"news"}`, 400},
		{"POST", "/api/v1/suppressions", `{"recipient":"a@example.com","reason":"unsubscribed","note":"x"}`, 400},
		{"POST", "/api/v1/suppressions", `{"recipient":"a@example.com","note":"a\nb"}`, 400},
		{"POST", "/api/v1/suppressions", `{"recipient":"a@example.com","note":"` + strings.Repeat("ä", 513) + `"}`, 400},
		{"DELETE", "/api/v1/suppressions", "", 400},
		{"DELETE", "/api/v1/suppressions?recipient=a@example.com&reason=x", "", 400},
		{"DELETE", "/api/v1/suppressions?recipient=a@example.com&reason=unsubscribed-all&list=news", "", 400},
		{"GET", "/api/v1/lists?x=y", "", 400},
		{"PATCH", "/api/v1/lists/news.example.org", `{}`, 400},
		{"PATCH", "/api/v1/lists/news.example.org", `{"name":"a\u0000b"}`, 400},
		{"PATCH", "/api/v1/lists/news.example.org", `{"description":"` + strings.Repeat("a", 501) + `"}`, 400},
		{"PATCH", "/api/v1/lists/news.example.org", `{"id":"other"}`, 400},
		{"PATCH", "/api/v1/lists/unknown.example", `{"name":"x"}`, 404},
		{"GET", "/api/v1/events?after=x", "", 400},
		{"GET", "/api/v1/events?after=-1", "", 400},
		{"GET", "/api/v1/events?since=yesterday", "", 400},
		{"GET", "/api/v1/events?kind=party", "", 400},
		{"GET", "/api/v1/events?kind=dropped,", "", 400},
		{"GET", "/api/v1/events?latest=yes", "", 400},
		{"GET", "/api/v1/events?latest=", "", 400},
		{"GET", "/api/v1/events?before=x", "", 400},
		{"GET", "/api/v1/suppressions?reason=paused", "", 400},
		{"GET", "/api/v1/suppressions?hash=md5", "", 400},
		{"GET", "/api/v1/suppressions?full=1", "", 400},
		{"POST", "/api/v1/suppressions", `{"recipient":"a@example.com","reason":"paused"}`, 400},
		{"POST", "/api/v1/suppressions", `{"recipient":"a@example.com","reason":"paused","until":"2026-11-23T11:00:00Z"}`, 400},
		{"POST", "/api/v1/suppressions", `{"recipient":"a@example.com","reason":"unsubscribed","until":"2027-11-23T11:00:00Z"}`, 400},
		{"POST", "/api/v1/suppressions", `{"recipient":"a@example.com","reason":"paused-all","list":"news","until":"2027-11-23T11:00:00Z"}`, 400},
		{"POST", "/api/v1/suppressions", `{"recipient":"a@example.com","since":"2026-11-23T12:00:01Z"}`, 400},
		{"POST", "/api/v1/lists", `{}`, 400},
		{"POST", "/api/v1/lists", `{"id":" "}`, 400},
		{"POST", "/api/v1/lists", `{"id":"a","language":"not a tag"}`, 400},
		{"POST", "/api/v1/lists", `{"id":"a","sender":"a\nb"}`, 400},
		{"POST", "/api/v1/lists", `{"id":"NEWS.example.org"}`, 409},
		{"PATCH", "/api/v1/lists/news.example.org", `{"footer":"` + strings.Repeat("a", 501) + `"}`, 400},
		{"GET", "/api/v1/ledger?after=x", "", 400},
		{"GET", "/api/v1/ledger?limit=0", "", 400},
		{"GET", "/api/v1/ledger/head?x=y", "", 400},
		{"PUT", "/api/v1/readers/crm", `{"through":10}`, 400},
		{"PUT", "/api/v1/readers/crm", `{"through":-1}`, 400},
		{"PUT", "/api/v1/readers/" + strings.Repeat("a", 65), `{"through":1}`, 400},
		{"PUT", "/api/v1/readers/a%0Ab", `{"through":1}`, 400},
		{"DELETE", "/api/v1/readers/wiki", "", 404},
		{"GET", "/api/v1/recipients/nobody", "", 400},
		{"DELETE", "/api/v1/recipients/nobody", "", 400},
		{"DELETE", "/api/v1/recipients/a@example.com?all=true", "", 400},
		{"POST", "/api/v1/recipients/a@example.com/choices", `{}`, 400},
		{"POST", "/api/v1/recipients/a@example.com/choices", `{"choices":[{"state":"sleepy"}]}`, 400},
		{"POST", "/api/v1/recipients/a@example.com/choices", `{"choices":[{"state":"paused","until":"2026-11-23T12:00:00Z"}]}`, 400},
		{"POST", "/api/v1/recipients/a@example.com/choices", `{"choices":[{"state":"limited"}]}`, 400},
		{"POST", "/api/v1/recipients/a@example.com/choices", `{"choices":[{"state":"unsubscribed","until":"2027-11-23T12:00:00Z"}]}`, 400},
		{"POST", "/api/v1/recipients/a@example.com/choices", `{"choices":[{"state":"subscribed","every":"day"}]}`, 400},
		{"GET", "/api/v1/report?since=yesterday", "", 400},
	} {
		w := newWorld(t)
		w.refused(request(c.method, c.target, c.body), c.status)
		if len(w.calls) > 0 {
			t.Errorf("%s %s %s: changes %q", c.method, c.target, c.body, w.calls)
		}
	}
	w := newWorld(t)
	r := request("POST", "/api/v1/queue", `{"action":"rm","all":true}`)
	r.Header.Set("Content-Type", "text/plain") // what a page of another site can send
	w.refused(r, 415)
}

func TestHealth(t *testing.T) {
	fault := errors.New("listener closed")
	for name, c := range map[string]struct {
		arrange func(*world)
		status  int
		failed  string
	}{
		"all well":         {func(*world) {}, 200, ""},
		"little space":     {func(w *world) { w.usage.Free = 4 << 30 }, 503, "spool"},
		"less than a mail": {func(w *world) { w.usage.Free, w.api.MinFree = 6<<30, 7<<30 }, 503, "spool"},
		"size not known":   {func(w *world) { w.usage.Free, w.usage.Capacity = 0, 0 }, 200, ""},
		"spool silent":     {func(w *world) { w.err = store.ErrUnavailable }, 503, "spool"},
		"a check that fails": {func(w *world) {
			w.api.Checks = []Check{{Name: "smtp", Run: func(context.Context) error { return fault }}}
		}, 503, "smtp"},
	} {
		for _, path := range []string{"/readyz", "/healthz"} {
			w := newWorld(t)
			c.arrange(w)
			res, text := w.send(request("GET", path, ""))
			failed := strings.Contains(text, `"name":"`+c.failed+`","ok":false`)
			if res.StatusCode != c.status || failed != (c.failed != "") {
				t.Errorf("%s %s: %s %s", name, path, res.Status, text)
			}
			// A stranger sees the status and no more.
			r := request("GET", path, "")
			r.RemoteAddr = "192.0.2.1:1"
			if res, text := w.send(r); res.StatusCode != c.status || strings.Contains(text, "spool") {
				t.Errorf("%s %s from elsewhere: %s %s", name, path, res.Status, text)
			}
		}
	}
	w := newWorld(t)
	w.err = errors.New("everything is broken")
	if res, _ := w.send(request("GET", "/livez", "")); res.StatusCode != 200 {
		t.Errorf("livez: %s", res.Status)
	}
}
