package api

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/history"
	"offramp/gateway/record"
	"offramp/store"
)

// became is what became of mail, in memory.
type became struct {
	asked  history.Query
	answer history.Answer
	err    error
}

func (b *became) Find(_ context.Context, q history.Query) (history.Answer, error) {
	b.asked = q
	return b.answer, b.err
}

func TestMessages(t *testing.T) {
	w, b := newWorld(t), &became{}
	w.api.Messages = b
	w.handler = w.api.Handler()
	b.answer = history.Answer{More: -7, From: start.Add(-time.Hour), Damaged: 1, Messages: []history.Message{
		{Fate: store.Fate{
			QueueID: "q1", MessageID: "<1@x>", ReversePath: "a@x.example", List: "news", Client: "192.0.2.1", Login: "shop", Accepted: start,
			Recipient: "Ada@example.com", State: store.Queued, Next: start.Add(time.Minute), Attempts: 3,
			Tries: []store.Try{{First: start, Last: start.Add(time.Second), Count: 3, Status: store.Status{Code: 451, Enhanced: "4.3.2", Text: "later", Host: "mx"}}},
		}},
		{Fate: store.Fate{QueueID: "q2", Recipient: "ada@example.com", End: store.EndDropped, Ended: start, Reason: store.ReasonPaused},
			Followed: []history.Followed{{Event: store.Event{ID: 4, Time: start, Kind: store.EventComplained}, Named: true}}},
	}}
	page := call[record.MessagePage](w, "GET", "/api/v1/messages?to=ADA@example.com&message_id=1@x&queue_id=q1&since=2026-11-23T12:00:00Z&limit=2", "")
	want := record.MessagePage{Cursor: cursorOf("messages", "-7"), From: start.Add(-time.Hour), Damaged: 1, Items: []record.Message{
		{
			QueueID: "q1", MessageID: "<1@x>", Sender: "a@x.example", List: "news", Client: "192.0.2.1", Login: "shop", Accepted: start,
			Recipient: "Ada@example.com", Verdict: "deliver", Outcome: "queued", Next: start.Add(time.Minute), Attempts: 3, Followed: []record.Followed{},
			Tries: []record.Try{{First: start, Last: start.Add(time.Second), Count: 3, Relay: "mx", Code: 451, Status: "4.3.2", Text: "later"}},
		},
		{QueueID: "q2", Recipient: "ada@example.com", Verdict: "drop", Outcome: "dropped", Ended: start, Reason: "paused", Tries: []record.Try{},
			Followed: []record.Followed{{Event: record.Event{ID: 4, Time: start, Kind: "complained"}, NamesMessage: true}}},
	}}
	if d := cmp.Diff(want, page); d != "" {
		t.Error(d)
	}
	q := b.asked
	if q.Recipient.Key() != "ada@example.com" || q.MessageID != "1@x" || q.QueueID != "q1" || !q.Since.Equal(start) || q.Limit != 2 || q.Before != 0 {
		t.Errorf("%+v", q)
	}
	b.answer = history.Answer{}
	if page := call[record.MessagePage](w, "GET", "/api/v1/messages?queue_id=q1&cursor="+page.Cursor, ""); page.Cursor != "" || b.asked.Before != -7 || b.asked.Limit != 100 {
		t.Errorf("%+v of %+v", page, b.asked)
	}
	for path, status := range map[string]int{
		"/api/v1/messages": 400, "/api/v1/messages?since=2026-11-23T12:00:00Z": 400, "/api/v1/messages?to=ada": 400, "/api/v1/messages?to=a@x.example&limit=1001": 400,
		"/api/v1/messages?queue_id=q&cursor=x": 400, "/api/v1/messages?queue_id=q&cursor=" + cursorOf("messages", "x"): 400, "/api/v1/messages?subject=x": 400,
	} {
		w.refused(request("GET", path, ""), status)
	}
	b.err = fmt.Errorf("inner text: %w", store.ErrUnavailable)
	if p := w.refused(request("GET", "/api/v1/messages?queue_id=q", ""), 503); strings.Contains(p.Detail, "inner") {
		t.Error(p.Detail)
	}
	w.api.Messages = nil
	w.handler = w.api.Handler()
	w.refused(request("GET", "/api/v1/messages?queue_id=q", ""), 404)
}
