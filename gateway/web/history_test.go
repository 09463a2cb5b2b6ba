package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/listunsub"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
)

const bob = "bob@example.net"

// happened adds one event of a person, each a minute after the one before, and
// returns its ID.
func (w *world) happened(e store.Event) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Time.IsZero() {
		e.Time = start.Add(-time.Hour + time.Duration(len(w.events))*time.Minute)
	}
	return w.add(e)
}

// entries returns what a history lists, one line for each event.
func entries(t testing.TB, page string) (lines []string) {
	t.Helper()
	_, list, _ := strings.Cut(page, `<ol class="rows">`)
	list, _, _ = strings.Cut(list, "</ol>")
	for _, item := range strings.Split(list, "<li>")[1:] {
		lines = append(lines, strings.Join(strings.Fields(tags.ReplaceAllString(item, " ")), " "))
	}
	return lines
}

// Everything that is held is shown, in words and with the newest first, and
// nothing of anybody else.
func TestHistoryShowsWhatIsHeld(t *testing.T) {
	w := newWorld(t)
	w.lists[other] = store.List{ID: other, Name: "Other letters"}
	w.contacts = []store.Contact{
		{Recipient: ada, List: news, First: start.Add(-48 * time.Hour), Last: start.Add(-time.Hour), Count: 1204},
		{Recipient: bob, List: other, First: start, Last: start, Count: 77},
	}
	w.stops = []store.Suppression{{Recipient: ada, Reason: store.ReasonBounced, Since: start.Add(-30 * time.Minute), Note: "550 no such user ada@example.com"}}
	w.choose(store.Choice{List: news, State: store.Limited, Every: store.Weekly})
	w.choose(store.Choice{State: store.Paused, Until: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)})
	w.sharing[ada] = store.Sharing{Recipient: ada, Refused: true, Since: start.Add(-2 * time.Hour)}
	for _, e := range []store.Event{
		{Kind: store.EventUnsubscribed, Recipient: ada, List: news, Way: store.OneClick, IP: "203.0.113.99", UserAgent: "Mailer/9"},
		{Kind: store.EventReason, Recipient: bob, List: news, Way: store.Page, Detail: "what bob wrote"},
		{Kind: store.EventReason, Recipient: ada, List: news, Way: store.Page, Detail: "too-many: <b>every</b> day"},
		{Kind: store.EventLimited, Recipient: ada, List: news, Way: store.Page, Detail: "week"},
		{Kind: store.EventFailed, Recipient: ada, List: other, Way: store.Delivery, Detail: "550 no such user ada@example.com"},
		{Kind: "of-a-later-release", Recipient: ada, Way: "carrier-pigeon"},
	} {
		w.happened(e)
	}
	res, page := w.get(w.link(listunsub.BodyLink) + "?view=history")
	if res.StatusCode != 200 {
		t.Fatalf("%s %s", res.Status, page)
	}
	lacks(t, page, "What we store about you", "what is stored about a•••@e•••.com in this system",
		"Entries are erased after 1,095 days", "at most one message a week", "paused until 23 December 2026", "data not shared",
		"1,204 messages so far, the last on 23 November 2026", "earlier mail to it came back")
	want := []string{
		"Entry All lists 23 November 2026, 11:05 UTC",
		"A message could not be delivered – before the message went out other.example.org 23 November 2026, 11:04 UTC",
		"Fewer messages wanted – on this page Example News 23 November 2026, 11:03 UTC",
		"Reason given – on this page Example News 23 November 2026, 11:02 UTC",
		"Unsubscribed – by the button of the mail app Example News 23 November 2026, 11:00 UTC",
	}
	if d := cmp.Diff(want, entries(t, page)); d != "" {
		t.Errorf("events:\n%s", d)
	}
	for _, secret := range []string{ada, "bob", "77 messages", "203.0.113.99", "Mailer/9", "every&lt;", "too-many", "Too many"} {
		if strings.Contains(page, secret) {
			t.Errorf("the page shows %q", secret)
		}
	}
	w.site.Retention, w.site.Receipts = 0, nil
	w.build()
	_, page = w.get(w.link(listunsub.BodyLink) + "?view=history")
	lacks(t, page, "Entries and choices are kept until you have them erased.")
	if strings.Contains(page, "signed text") {
		t.Error("receipts are offered by a site without a key")
	}
}

// The history is short: the newest events, and no way to the others but the
// download.
func TestHistoryIsShort(t *testing.T) {
	for _, n := range []int{0, 1, perHistory, perHistory + 1, 2*perHistory + 3} {
		w := newWorld(t)
		for i := range n {
			w.happened(store.Event{Kind: store.EventDropped, Recipient: ada, List: fmt.Sprintf("l%d.example.org", i)})
			w.happened(store.Event{Kind: store.EventDropped, Recipient: bob, List: "bobs.example.org"})
		}
		path := w.link(listunsub.BodyLink) + "?lang=en&view=history"
		res, page := w.get(path)
		lines := entries(t, page)
		if res.StatusCode != 200 || len(lines) != min(perHistory, n) || len(page) > 30<<10 {
			t.Fatalf("%d events: %s, %d lines", n, res.Status, len(lines))
		}
		for i, line := range lines {
			if want := fmt.Sprintf(" l%d.example.org ", n-1-i); !strings.Contains(line, want) {
				t.Fatalf("line %d: %q, want %q", i, line, want)
			}
		}
		for text, link := range linksOf(t, page) {
			if strings.Contains(link, "before") {
				t.Errorf("%q leads to %q", text, link)
			}
		}
		if _, before := w.get(path + "&before=3"); n > 0 && !slices.Equal(entries(t, before), lines) {
			t.Error("the link shows older events")
		}
		if forms := formsOf(t, page); len(forms) != 1 || forms[actAskData].fields == nil {
			t.Errorf("forms %v", forms)
		}
	}
}

// Of an erased person the history says that, and nothing from before.
func TestHistoryOfAnErasedPerson(t *testing.T) {
	w := newWorld(t)
	w.contacts = []store.Contact{{Recipient: ada, List: news, Last: start, Count: 5}, {Recipient: bob, List: news, Last: start, Count: 6}}
	w.happened(store.Event{Kind: store.EventReason, Recipient: ada, Detail: "a secret"})
	w.happened(store.Event{Kind: store.EventReason, Recipient: bob, Detail: "of bob"})
	path := w.link(listunsub.BodyLink)
	w.eraseByCode()
	_, page := w.get(path + "?view=history")
	lacks(t, page, "unsubscribed")
	if d := cmp.Diff([]string{"Everything erased – by a confirmed message All lists 23 November 2026, 12:00 UTC"}, entries(t, page)); d != "" {
		t.Error(d)
	}
	if strings.Contains(page, "secret") || strings.Contains(page, "messages so far") {
		t.Errorf("the page still shows what was erased: %s", page)
	}
	if len(w.contacts) != 1 || w.events[1].Detail != "of bob" {
		t.Error("bob lost something")
	}
}

// Looking changes nothing, with either method.
func TestHistoryOnlyLooks(t *testing.T) {
	w := newWorld(t)
	path := w.link(listunsub.HeaderLink) + "?view=history"
	res, page := w.get(path)
	head := w.send(request("HEAD", path, "", nil))
	if head.StatusCode != 200 || head.Header.Get("Content-Length") != res.Header.Get("Content-Length") || text(t, head) != "" {
		t.Errorf("HEAD: %s, %s octets, not %s", head.Status, head.Header.Get("Content-Length"), res.Header.Get("Content-Length"))
	}
	if len(w.made()) > 0 || len(w.events) > 0 {
		t.Errorf("changes %q, events %v", w.made(), w.events)
	}
	if got := strings.Count(page, "Nothing."); got != 3 {
		t.Errorf("%d of 3 empty parts say so", got)
	}
}
