package api

import (
	"fmt"
	"net/url"
	"testing"

	"offramp/gateway/record"
	"offramp/store"
)

// Cursors lead through all pages of a listing, and through those of no other.
func TestCursors(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.stops = append(w.stops, store.Suppression{Recipient: fmt.Sprintf("p%d@example.com", i), Reason: store.ReasonManual})
	}
	var seen []string
	for cursor := ""; ; {
		page := call[record.SuppressionPage](w, "GET", "/api/v1/suppressions?limit=2&cursor="+url.QueryEscape(cursor), "")
		for _, one := range page.Items {
			seen = append(seen, one.Recipient)
		}
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	if len(seen) != 5 || seen[0] != "p0@example.com" || seen[4] != "p4@example.com" {
		t.Errorf("%q", seen)
	}
	for i := range 3 {
		w.all = append(w.all, store.Event{ID: int64(i + 1)})
	}
	cursor := call[record.EventPage](w, "GET", "/api/v1/events?limit=2", "").Cursor
	call[record.EventPage](w, "GET", "/api/v1/events?limit=2&cursor="+cursor, "")
	if w.eventFilter.After != 2 {
		t.Errorf("after %d", w.eventFilter.After)
	}
	call[record.EventPage](w, "GET", "/api/v1/events?limit=2&latest=true&cursor="+cursor, "")
	if w.eventFilter.Before != 2 || w.eventFilter.After != 0 {
		t.Errorf("before %d, after %d", w.eventFilter.Before, w.eventFilter.After)
	}
	for _, other := range []string{cursor, "x", "%ff", cursorOf("ledger", "x"), cursorOf("ledger", "-1")} {
		w.refused(request("GET", "/api/v1/ledger?cursor="+other, ""), 400)
	}
	w.refused(request("GET", "/api/v1/queue?cursor="+cursor, ""), 400)
}
