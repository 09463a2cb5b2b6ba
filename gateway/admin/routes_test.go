package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
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
	page := call[QueuePage](w, "GET", "/api/v1/queue?limit=4&id=a&state=held&domain=EXAMPLE.com&sender=News@example.org&after=0", "")
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
	want := QueueEntry{
		QueueName: "active", QueueID: "a", ArrivalTime: start.Unix(), MessageSize: 115, Sender: "news@example.org",
		Recipients: []QueueRecipient{{Address: "bob@example.com", DelayReason: "mailbox full", State: "queued", Attempts: 2,
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
	if page := call[QueuePage](w, "GET", "/api/v1/queue", ""); page.Next != "" || len(page.Items) != 4 {
		t.Errorf("without limit: next %q, %d items", page.Next, len(page.Items))
	}
}

func TestQueueAct(t *testing.T) {
	for _, c := range []struct {
		body  string
		want  store.QueueFilter
		woken int
	}{
		{`{"action":"retry","id":"abc"}`, store.QueueFilter{ID: "abc"}, 1},
		{`{"action":"release","state":"held"}`, store.QueueFilter{State: store.Held}, 1},
		{`{"action":"hold","domain":"Example.COM"}`, store.QueueFilter{Domain: "example.com"}, 0},
		{`{"action":"rm","sender":"a@example.org"}`, store.QueueFilter{Sender: "a@example.org"}, 0},
		{`{"action":"rm","all":true}`, store.QueueFilter{}, 0},
	} {
		w := newWorld(t)
		got := call[Changed](w, "POST", "/api/v1/queue", c.body)
		if got.Changed != 2 || w.queueFilter != c.want || w.woken != c.woken || len(w.calls) != 1 {
			t.Errorf("%s: %+v, filter %+v, woken %d, calls %q", c.body, got, w.queueFilter, w.woken, w.calls)
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
		`{"action":"rm","everyone":1}`: `The body is not what is expected here: unknown field \"everyone\".`,
	} {
		_, got := newWorld(t).send(request("POST", "/api/v1/queue", body))
		if !strings.Contains(got, want) || strings.Contains(got, "admin.") {
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
		{"POST", "/api/v1/suppressions", `{"recipient":"a@example.com","note":"` + strings.Repeat("ä", 501) + `"}`, 400},
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

func TestSuppress(t *testing.T) {
	for body, want := range map[string]string{
		`{"recipient":"Ada@Example.com"}`: `suppress ada@example.com "" manual`,
		`{"recipient":"ada@example.com","reason":"complained","list":"NEWS.example.org","note":"n"}`: `suppress ada@example.com "news.example.org" complained n`,
		`{"recipient":"ada@example.com","reason":"bounced"}`:                                         `suppress ada@example.com "" bounced`,
		`{"recipient":"ada@example.com","reason":"unsubscribed","list":"news.example.org"}`:          `opt-out ada@example.com "news.example.org" operator`,
		`{"recipient":"ada@example.com","reason":"unsubscribed-all"}`:                                `opt-out ada@example.com "" operator`,
	} {
		w := newWorld(t)
		got := call[Changed](w, "POST", "/api/v1/suppressions", body)
		if got.Changed != 1 || !slices.Equal(w.calls, []string{want}) {
			t.Errorf("%s: %+v %q, want %q", body, got, w.calls, want)
		}
		if want := (consent.Evidence{IP: "127.0.0.1", UserAgent: "offramp/1", Who: "admin"}); w.evidence[0] != want {
			t.Errorf("evidence %+v", w.evidence[0])
		}
		if strings.Contains(strings.ToLower(w.log.String()), "ada@") {
			t.Errorf("the log names the address: %s", &w.log)
		}
	}
}

func TestUnsuppress(t *testing.T) {
	const ada, all = "ada@example.com", store.AllLists
	for query, want := range map[string]struct {
		calls     []string
		remaining int
	}{
		"":                                {[]string{`unsuppress ada@example.com "" manual`, `unsuppress ada@example.com "" bounced`}, 5},
		"&reason=bounced":                 {[]string{`unsuppress ada@example.com "" bounced`}, 5},
		"&reason=complained":              {nil, 5},
		"&list=news":                      {[]string{`unsuppress ada@example.com "news" complained`}, 5},
		"&list=other":                     {nil, 5},
		"&reason=unsubscribed":            {[]string{`resubscribe ada@example.com "" operator`}, 5},
		"&reason=unsubscribed&list=news":  {[]string{`resubscribe ada@example.com "news" operator`}, 5},
		"&reason=unsubscribed&list=never": {nil, 5},
		"&reason=unsubscribed&list=back":  {nil, 5},
		"&reason=unsubscribed-all":        {[]string{`resubscribe ada@example.com "" operator`}, 5},
	} {
		w := newWorld(t)
		w.stops = []store.Suppression{
			{Recipient: ada, Reason: store.ReasonManual}, {Recipient: ada, Reason: store.ReasonBounced}, {Recipient: ada, List: "news", Reason: store.ReasonComplained},
			{Recipient: "bob@example.com", Reason: store.ReasonManual},
		}
		w.choices = []store.Choice{{Recipient: ada, List: all, State: store.Unsubscribed}, {Recipient: ada, List: "news", State: store.Unsubscribed},
			{Recipient: ada, List: "back", State: store.Subscribed}}
		got := call[Unsuppressed](w, "DELETE", "/api/v1/suppressions?recipient=Ada@example.com"+query, "")
		if !slices.Equal(w.calls, want.calls) || got.Changed != len(want.calls) || len(got.Remaining) != want.remaining {
			t.Errorf("%q: changed %d, remaining %d, calls %q, want %q", query, got.Changed, len(got.Remaining), w.calls, want.calls)
		}
	}
}

// All pages together hold every record once, by recipient, and no recipient
// is split, whatever the limit.
func TestSuppressionPages(t *testing.T) {
	w := newWorld(t)
	total := 0
	for i := range 60 {
		to := fmt.Sprintf("p%02d@example.com", i)
		for j := range i % 4 {
			w.choices = append(w.choices, store.Choice{Recipient: to, List: fmt.Sprintf("l%d", j), State: store.Unsubscribed, Since: start, Way: store.Page})
			total++
		}
		for j := range (i / 2) % 3 {
			w.stops = append(w.stops, store.Suppression{Recipient: to, List: fmt.Sprintf("l%d", j), Reason: store.ReasonManual, Since: start})
			total++
		}
		w.choices = append(w.choices, store.Choice{Recipient: to, List: "stays", State: store.Subscribed})
	}
	for _, limit := range []int{1, 2, 3, 7, 50, 1000} {
		seen := map[string]int{}
		var order []string
		after := ""
		for pages := 0; ; pages++ {
			page := call[SuppressionPage](w, "GET", fmt.Sprintf("/api/v1/suppressions?limit=%d&after=%s", limit, after), "")
			for _, e := range page.Items {
				seen[e.Recipient+" "+e.List+" "+e.Reason]++
				order = append(order, e.Recipient)
				if e.Recipient <= after {
					t.Fatalf("limit %d: %s after %s", limit, e.Recipient, after)
				}
			}
			if page.Next == "" {
				break
			}
			if page.Next <= after || pages > 200 {
				t.Fatalf("limit %d: page after %q leads to %q", limit, after, page.Next)
			}
			after = page.Next
		}
		if len(seen) != total || len(order) != total || !slices.IsSorted(order) {
			t.Errorf("limit %d: %d different of %d records, want %d, sorted %v", limit, len(seen), len(order), total, slices.IsSorted(order))
		}
	}
	page := call[SuppressionPage](w, "GET", "/api/v1/suppressions?recipient=P03@example.com&reason=unsubscribed&list=L1", "")
	want := []Suppression{{Recipient: "p03@example.com", List: "l1", Reason: "unsubscribed", Since: start, Way: "page"}}
	if d := cmp.Diff(want, page.Items); d != "" {
		t.Error(d)
	}
}

func TestLists(t *testing.T) {
	w := newWorld(t)
	if page := call[ListPage](w, "GET", "/api/v1/lists", ""); len(page.Items) != 1 || page.Items[0].Name != "News" {
		t.Errorf("%+v", page)
	}
	got := call[List](w, "PATCH", "/api/v1/lists/NEWS.example.org", `{"description":"Once a week.","transactional":true}`)
	want := List{ID: "news.example.org", Name: "News", Description: "Once a week.", Transactional: true, Created: start}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := call[List](w, "GET", "/api/v1/lists/news.example.org", ""); got != want {
		t.Errorf("afterwards %+v", got)
	}
	got = call[List](w, "PATCH", "/api/v1/lists/news.example.org", `{"name":"","transactional":false}`)
	if got.Name != "" || got.Transactional || got.Description != "Once a week." {
		t.Errorf("%+v", got)
	}
	// A path is no list id's limit.
	w.known["a/b"] = store.List{ID: "a/b"}
	if got := call[List](w, "GET", "/api/v1/lists/a%2Fb", ""); got.ID != "a/b" {
		t.Errorf("%+v", got)
	}
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	w.all = []store.Event{
		{ID: 7, Time: start, Kind: store.EventUnsubscribed, Recipient: "ada@example.com", List: "news", Way: store.OneClick, Reason: store.ReasonUnsubscribed, IP: "192.0.2.1", UserAgent: "x", MessageID: "<1@x>"},
		{ID: 9, Time: start, Kind: store.EventFailed, Recipient: "bob@example.com", QueueID: "q", Detail: "550", Who: "app"},
	}
	page := call[EventPage](w, "GET", "/api/v1/events?after=5&since=2026-11-23T12:00:00%2B01:00&recipient=ADA@example.com&list=News&kind=dropped&limit=2", "")
	want := EventPage{Next: 9, Items: []Event{
		{ID: 7, Time: start, Kind: "unsubscribed", Recipient: "ada@example.com", List: "news", Way: "one-click", Reason: "unsubscribed", IP: "192.0.2.1", UserAgent: "x", MessageID: "<1@x>"},
		{ID: 9, Time: start, Kind: "failed", Recipient: "bob@example.com", QueueID: "q", Detail: "550", Who: "app"},
	}}
	if d := cmp.Diff(want, page); d != "" {
		t.Error(d)
	}
	list := "news"
	filter := store.EventFilter{After: 5, Since: start.Add(-time.Hour), Recipient: "ada@example.com", List: &list, Kind: store.EventDropped, Limit: 2}
	filter.Since = filter.Since.In(w.eventFilter.Since.Location())
	if d := cmp.Diff(filter, w.eventFilter); d != "" {
		t.Error(d)
	}
	if page := call[EventPage](w, "GET", "/api/v1/events", ""); page.Next != 0 || w.eventFilter.List != nil {
		t.Errorf("next %d, list %v", page.Next, w.eventFilter.List)
	}
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

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	n := 41.0
	w.api.Metrics = []Metric{
		{Name: "offramp_unsubscribe_requests_total", Help: "h", Labels: map[string]string{"method": "one_click"}, Value: func() float64 { n++; return n }},
		{Name: "offramp_unsubscribe_requests_total", Help: "h", Labels: map[string]string{"method": "page"}, Value: func() float64 { return 3 }},
		{Name: "offramp_open", Help: "h", Type: Gauge, Value: func() float64 { return 1.5 }},
	}
	w.handler = w.api.Handler()
	_, text := w.send(request("GET", "/metrics", ""))
	for _, line := range []string{
		`offramp_build_info{revision="abc",version="1.2.3"} 1`,
		"# TYPE offramp_unsubscribe_requests_total counter",
		`offramp_unsubscribe_requests_total{method="one_click"} 42`,
		`offramp_unsubscribe_requests_total{method="page"} 3`,
		"# TYPE offramp_open gauge", "offramp_open 1.5",
		"offramp_queue_messages 2", `offramp_queue_recipients{state="queued"} 3`, `offramp_queue_recipients{state="held"} 1`, `offramp_queue_recipients{state="failed"} 0`,
		"offramp_queue_oldest_age_seconds 90", "offramp_spool_free_bytes 5.36870912e+10", "offramp_spool_capacity_bytes 1.073741824e+11",
		"# TYPE go_goroutines gauge", "# TYPE process_cpu_seconds_total counter",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("lacks %s", line)
		}
	}
	// Without the spool the rest is still there.
	w.err = errors.New("/var/lib/offramp/spool.db is gone")
	res, text := w.send(request("GET", "/metrics", ""))
	if res.StatusCode != 200 || !strings.Contains(text, "offramp_open 1.5") || strings.Contains(text, "offramp_queue_messages ") || strings.Contains(text, "spool.db") {
		t.Errorf("%s without the spool: %s", res.Status, text)
	}
	defer func() {
		if recover() == nil {
			t.Error("a name given twice was taken")
		}
	}()
	w.api.Metrics = append(w.api.Metrics, w.api.Metrics[0])
	w.api.Handler()
}
