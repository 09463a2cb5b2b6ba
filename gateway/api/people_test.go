package api

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/consent"
	"offramp/gateway/ledger"
	"offramp/gateway/record"
	"offramp/store"
)

func TestEvents(t *testing.T) {
	w := newWorld(t)
	w.all = []store.Event{
		{ID: 7, Time: start, Kind: store.EventUnsubscribed, Recipient: "ada@example.com", List: "news", Way: store.OneClick, Reason: store.ReasonUnsubscribed, IP: "192.0.2.1", UserAgent: "x", MessageID: "<1@x>"},
		{ID: 9, Time: start, Kind: store.EventFailed, Recipient: "bob@example.com", QueueID: "q", Detail: "550", Who: "app"},
	}
	page := call[record.EventPage](w, "GET", "/api/v1/events?after=5&since=2026-11-23T12:00:00%2B01:00&recipient=ADA@example.com&list=News&kind=dropped,in-force&before=99&latest=true&limit=2", "")
	want := record.EventPage{Cursor: cursorOf("events", "9"), Next: 9, Items: []record.Event{
		{ID: 7, Time: start, Kind: "unsubscribed", Recipient: "ada@example.com", List: "news", Way: "one-click", Reason: "unsubscribed", IP: "192.0.2.1", UserAgent: "x", MessageID: "<1@x>"},
		{ID: 9, Time: start, Kind: "failed", Recipient: "bob@example.com", QueueID: "q", Detail: "550", Who: "app"},
	}}
	if d := cmp.Diff(want, page); d != "" {
		t.Error(d)
	}
	list := "news"
	filter := store.EventFilter{After: 5, Since: start.Add(-time.Hour), Recipient: "ada@example.com", List: &list, Kinds: []store.EventKind{store.EventDropped, store.EventInForce}, Before: 99, Latest: true, Limit: 2}
	filter.Since = filter.Since.In(w.eventFilter.Since.Location())
	if d := cmp.Diff(filter, w.eventFilter); d != "" {
		t.Error(d)
	}
	if page := call[record.EventPage](w, "GET", "/api/v1/events", ""); page.Next != 0 || w.eventFilter.List != nil {
		t.Errorf("next %d, list %v", page.Next, w.eventFilter.List)
	}
}

// The ledger is given out byte for byte.
func TestLedger(t *testing.T) {
	w := newWorld(t)
	whole := store.Event{ID: 3, Time: start.Add(123 * time.Microsecond), Kind: store.EventPaused, Recipient: "ada@example.com", Ref: 2, Detail: "<\u2028&"}
	w.ledger = []store.Entry{
		{Event: whole, Salt: []byte("0123456789abcdef"), Digest: store.Sum{1}, Link: store.Sum{2}},
		{Event: store.Event{ID: 4, Time: start}, Erased: 9, Digest: store.Sum{3}, Link: store.Sum{4}},
	}
	got := call[record.EntryPage](w, "GET", "/api/v1/ledger?after=2&limit=2", "")
	want := record.EntryPage{Cursor: cursorOf("ledger", "4"), Next: 4, Items: []record.Entry{
		{Event: record.EventOf(whole), Salt: []byte("0123456789abcdef"), Digest: record.Sum{1}, Link: record.Sum{2}},
		{Event: record.Event{ID: 4, Time: start}, Emptied: true, Erased: 9, Digest: record.Sum{3}, Link: record.Sum{4}},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := call[record.EntryPage](w, "GET", "/api/v1/ledger?after=4", ""); len(got.Items) != 0 || got.Next != 0 {
		t.Errorf("%+v", got)
	}
	if got := call[record.LedgerHead](w, "GET", "/api/v1/ledger/head", ""); got != (record.LedgerHead{ID: 9, Link: record.Sum{1}, First: 2, FirstLink: record.Sum{2}}) {
		t.Errorf("%+v", got)
	}
	for _, text := range []string{"", "00", strings.Repeat("0", 63) + "g", strings.Repeat("0", 66)} {
		if err := new(record.Sum).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a sum", text)
		}
	}
}

func TestReaders(t *testing.T) {
	w := newWorld(t)
	if got := call[record.ReaderPage](w, "GET", "/api/v1/readers", ""); !slices.Equal(got.Items, []record.Reader{{Name: "crm", Through: 3, Since: start}}) {
		t.Errorf("%+v", got)
	}
	if got := call[record.Reader](w, "PUT", "/api/v1/readers/my%2Fshop", `{"through":9}`); got != (record.Reader{Name: "my/shop", Through: 9, Since: start}) {
		t.Errorf("%+v", got)
	}
	if got := call[record.Changed](w, "DELETE", "/api/v1/readers/crm", ""); got.Changed != 1 || len(w.following) != 1 {
		t.Errorf("%+v, left %+v", got, w.following)
	}
}

func TestRecipient(t *testing.T) {
	w := newWorld(t)
	until := start.Add(time.Hour)
	w.person = store.Person{
		Choices:      []store.Choice{{Recipient: "ada@example.com", List: "news", State: store.Paused, Until: until, Every: store.Daily, Since: start, Way: store.Page}},
		Suppressions: []store.Suppression{{Recipient: "ada@example.com", Reason: store.ReasonManual, Since: start, Note: "n"}},
		Contacts:     []store.Contact{{Recipient: "ada@example.com", List: "news", First: start, Last: until, Count: 3}},
		Sharing:      store.Sharing{Recipient: "ada@example.com", Refused: true, Since: start, Way: store.Page},
	}
	want := record.Person{
		Recipient: "ada@example.com", Choices: []record.Choice{{List: "news", State: "paused", Until: until, Every: "day", Since: start, Way: "page"}},
		Suppressions: []record.Suppression{{Recipient: "ada@example.com", Reason: "manual", Since: start, Note: "n"}},
		Contacts:     []record.Contact{{List: "news", First: start, Last: until, Count: 3}}, Sharing: &record.Sharing{Refused: true, Since: start, Way: "page"},
	}
	if d := cmp.Diff(want, call[record.Person](w, "GET", "/api/v1/recipients/Ada@Example.com", "")); d != "" {
		t.Error(d)
	}
	w.person = store.Person{Erased: true}
	got := call[record.Person](w, "GET", "/api/v1/recipients/%22a%2Fb%22@example.com", "")
	if !got.Erased || got.Recipient != "hash-of-a/b.example.com" || got.Sharing != nil {
		t.Errorf("%+v", got)
	}
}

func TestEraseLeavesNoAddressInTheLog(t *testing.T) {
	w := newWorld(t)
	got := call[record.Erased](w, "DELETE", "/api/v1/recipients/Ada@Example.com", "")
	if got.Recipient != "hash-of-ada.example.com" || !slices.Equal(w.calls, []string{`erase ada@example.com "" operator`}) {
		t.Errorf("%+v, %q", got, w.calls)
	}
	if strings.Contains(strings.ToLower(w.log.String()), "@example") {
		t.Errorf("the log has %s", &w.log)
	}
	w.err = fmt.Errorf("erase: %w", consent.ErrSending)
	if p := w.refused(request("DELETE", "/api/v1/recipients/ada@example.com", ""), 503); !strings.Contains(p.Detail, "erase again") {
		t.Errorf("%+v", p)
	}
}

func TestChoose(t *testing.T) {
	w := newWorld(t)
	got := call[record.Chosen](w, "POST", "/api/v1/recipients/ada@example.com/choices", `{"choices":[{"list":"NEWS","state":"paused","until":"2026-12-23T12:00:00Z","every":"week"},{"list":"","state":"limited","every":"day"}],"refuse_sharing":true}`)
	refuse := true
	want := consent.Decision{Recipient: w.decision.Recipient, RefuseSharing: &refuse, Wishes: []consent.Wish{
		{List: "news", State: store.Paused, Until: start.AddDate(0, 1, 0), Every: store.Weekly}, {State: store.Limited, Every: store.Daily},
	}}
	if d := cmp.Diff(want.Wishes, w.decision.Wishes); d != "" || w.decision.Recipient.Key() != "ada@example.com" || !*w.decision.RefuseSharing {
		t.Errorf("%s, %+v", d, w.decision)
	}
	if !slices.Equal(got.Events, []int64{7}) || w.evidence[0].Who != "admin" {
		t.Errorf("%+v, %+v", got, w.evidence)
	}
	w.err = fmt.Errorf("decide: %w", store.ErrChanged)
	w.refused(request("POST", "/api/v1/recipients/ada@example.com/choices", `{"refuse_sharing":false}`), 409)
}

// A receipt says what the ledger says, and opens with the key that is published.
func TestReceipts(t *testing.T) {
	w := newWorld(t)
	w.all = []store.Event{{ID: 5, Time: start, Kind: store.EventUnsubscribed, Recipient: "ada@example.com", List: "news", Way: store.OneClick}}
	w.inForce = map[int64]time.Time{5: start.Add(time.Millisecond)}
	w.ledger = []store.Entry{{Event: w.all[0], Link: store.Sum{7}}}
	key := call[record.ReceiptKey](w, "GET", "/api/v1/receipts/key", "").Key
	page := call[record.ReceiptPage](w, "GET", "/api/v1/recipients/Ada@example.com/receipts?list=News", "")
	if len(page.Items) != 1 || page.Items[0].Event != 5 || page.Items[0].List != "news" || !page.Items[0].Time.Equal(start) {
		t.Fatalf("%+v", page)
	}
	got, err := ledger.OpenReceipt([]byte(page.Items[0].Text), key)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(ledger.ReceiptOf(store.OptOut{Event: w.all[0], InForce: w.inForce[5]}, store.Sum{7}), got); d != "" {
		t.Error(d)
	}
	if f := w.eventFilter; f.Recipient != "ada@example.com" || f.List == nil || *f.List != "news" || !slices.Equal(f.Kinds, []store.EventKind{store.EventUnsubscribed}) || !f.Latest {
		t.Errorf("filter %+v", f)
	}
	w.ledger = nil // the person was erased between
	w.refused(request("GET", "/api/v1/recipients/ada@example.com/receipts", ""), 409)
	w.api.Receipts = nil
	w.refused(request("GET", "/api/v1/recipients/ada@example.com/receipts", ""), 404)
	w.refused(request("GET", "/api/v1/receipts/key", ""), 404)
}

func TestReport(t *testing.T) {
	w := newWorld(t)
	w.all = []store.Event{{ID: 5, Time: start.Add(-72 * time.Hour), Kind: store.EventUnsubscribed, Way: store.Mail}}
	w.inForce = map[int64]time.Time{5: start.Add(-71 * time.Hour)}
	got := call[record.Report](w, "GET", "/api/v1/report", "")
	if got.OptOuts != 1 || got.ByWay["mail"] != 1 || got.Median != 3600 || got.Longest != 3600 || !got.Since.Equal(start.Add(-reportPeriod)) {
		t.Errorf("%+v", got)
	}
	if d := got.Deadlines[0]; d.Source == "" || d != (record.Deadline{Name: "48 hours", For: "Gmail, Yahoo", Source: d.Source, Since: "2024-02-01", Kept: 1, Left: 47 * 3600, Event: 5}) {
		t.Errorf("%+v", d)
	}
	r := got.Readers[0]
	if r.Name != "crm" || r.Oldest != 5 || r.Age != 72*3600 || len(r.Due) != 6 || !r.Due[0].Overdue || r.Due[1].Overdue || !r.Due[0].At.Equal(start.Add(-24*time.Hour)) {
		t.Errorf("%+v", r)
	}
	if got := call[record.Report](w, "GET", "/api/v1/report?since=2026-11-23T00:00:00Z", ""); got.OptOuts != 0 || len(got.Readers) != 1 {
		t.Errorf("%+v", got)
	}
	w.err = errors.New("x")
	w.refused(request("GET", "/api/v1/report", ""), 500)
}
