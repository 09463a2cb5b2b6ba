package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/confirmation"
	"offramp/gateway/ledger"
	"offramp/gateway/record"
	"offramp/listunsub"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
)

// read takes a download apart. A field that record.Held does not document is an error.
func read(t testing.TB, res *http.Response, body string) (held record.Held) {
	t.Helper()
	header := map[string]string{
		"Content-Type": "application/json; charset=utf-8", "Content-Disposition": `attachment; filename="offramp-data.json"`,
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	}
	for name, want := range header {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&held); err != nil || res.StatusCode != 200 {
		t.Fatalf("%s, %v: %s", res.Status, err, body)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("something follows: %v", err)
	}
	// It is made in parts, and shows none.
	var whole bytes.Buffer
	e := json.NewEncoder(&whole)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(held); err != nil || whole.String() != body {
		t.Errorf("%v: not as it is when made at once: %s", err, cmp.Diff(whole.String(), body))
	}
	return held
}

func (w *world) download() (record.Held, string) {
	w.t.Helper()
	path, page := w.openData()
	res, body := w.submit(path, formsOf(w.t, page)[actDownload])
	held := read(w.t, res, body)
	typed := held.Events[len(held.Events)-1]
	if typed.Kind != string(store.EventTyped) || typed.IP != client || typed.UserAgent != agent {
		w.t.Errorf("the last event is %+v", typed)
	}
	held.Events = held.Events[:len(held.Events)-1]
	return held, body
}

// All that is recorded of the person is in the file, what is recorded of others
// is not, and it is there in any language of the page.
func TestDownloadHoldsAllOfOnePerson(t *testing.T) {
	w := newWorld(t)
	ago := func(minutes int) time.Time { return start.Add(-time.Duration(minutes) * time.Minute) }
	until := start.Add(240 * time.Hour)
	w.contacts = []store.Contact{
		{Recipient: ada, List: news, First: ago(900), Last: ago(9), Count: 12},
		{Recipient: bob, List: "bobs.example.org", First: ago(800), Last: ago(8), Count: 7},
	}
	w.stops = []store.Suppression{{Recipient: ada, List: news, Reason: store.ReasonComplained, Since: ago(70), Note: "feedback loop"}}
	w.choose(store.Choice{List: news, State: store.Paused, Until: until, Every: store.Weekly, Way: store.Page})
	w.choose(store.Choice{State: store.Unsubscribed, Since: ago(5)})
	w.choices[bob+" bobs.example.org"] = store.Choice{Recipient: bob, List: "bobs.example.org", State: store.Unsubscribed, Since: ago(4)}
	w.sharing[ada] = store.Sharing{Recipient: ada, Refused: true, Since: ago(6), Way: store.Page}
	w.sharing[bob] = store.Sharing{Recipient: bob, Since: ago(2)}
	first := w.happened(store.Event{Kind: store.EventUnsubscribed, Recipient: ada, List: news, Way: store.OneClick, Reason: store.ReasonUnsubscribed,
		MessageID: "<1@example.org>", IP: "203.0.113.99", UserAgent: "Mailer/9"})
	w.happened(store.Event{Kind: store.EventReason, Recipient: bob, List: "bobs.example.org", Detail: "of bob"})
	third := w.happened(store.Event{Kind: store.EventReason, Recipient: ada, Way: store.Operator, Ref: first, Who: "admin", Detail: "</script>\u2028\"ö"})
	held, body := w.download()
	want := record.Held{
		Made: start, Operator: "Example Ltd", Person: record.Person{Recipient: ada,
			Choices: []record.Choice{
				{List: "", State: "unsubscribed", Since: ago(5), Way: "mail"},
				{List: news, State: "paused", Until: until, Every: "week", Since: ago(60), Way: "page"},
			},
			Sharing:      &record.Sharing{Refused: true, Since: ago(6), Way: "page"},
			Contacts:     []record.Contact{{List: news, First: ago(900), Last: ago(9), Count: 12}},
			Suppressions: []record.Suppression{{Recipient: ada, List: news, Reason: "complained", Since: ago(70), Note: "feedback loop"}}},
		Events: []record.Event{
			{ID: first, Time: ago(60), Kind: "unsubscribed", Recipient: ada, List: news, Way: "one-click", Reason: "unsubscribed",
				MessageID: "<1@example.org>", IP: "203.0.113.99", UserAgent: "Mailer/9"},
			{ID: third, Time: ago(58), Kind: "reason", Recipient: ada, Way: "operator", Ref: first, Who: "admin", Detail: "</script>\u2028\"ö"},
		},
	}
	if d := cmp.Diff(want, held); d != "" {
		t.Error(d)
	}
	if strings.Contains(body, "bob") {
		t.Errorf("the file tells of somebody else: %s", body)
	}
	if n := w.site.Stats.Taken.Load(); n != 1 || len(w.made()) > 0 {
		t.Errorf("%d counted, changes %q", n, w.made())
	}
}

// Of a person nothing is known of, every part is there and empty, not null.
func TestDownloadOfNothing(t *testing.T) {
	w := newWorld(t)
	path, page := w.openData()
	w.events = nil // as if erased since
	res, body := w.submit(path, formsOf(t, page)[actDownload])
	held := read(t, res, body)
	if want := (record.Held{Made: start, Operator: "Example Ltd", Person: record.Person{Recipient: ada, Choices: []record.Choice{}, Contacts: []record.Contact{},
		Suppressions: []record.Suppression{}}, Events: []record.Event{}}); !cmp.Equal(want, held) || strings.Contains(body, "null") {
		t.Errorf("%s", body)
	}
}

// The file has all of very many events once.
func TestDownloadOfManyEvents(t *testing.T) {
	for _, n := range []int{eventsPerPart - 1, eventsPerPart, 2345} {
		w := newWorld(t)
		for range n {
			w.happened(store.Event{Kind: store.EventDropped, Recipient: ada, List: news})
			w.happened(store.Event{Kind: store.EventDropped, Recipient: bob, List: news})
		}
		held, _ := w.download()
		for i, e := range held.Events {
			if e.ID != int64(2*i+1) {
				t.Fatalf("event %d has the number %d", i, e.ID)
			}
		}
		if len(held.Events) != n {
			t.Errorf("%d events, want %d", len(held.Events), n)
		}
	}
}

// What follows links, or posts to them, gets no file: only the page's own form
// for this link and action does.
func TestFilesNeedTheirForm(t *testing.T) {
	w := newWorld(t)
	w.press(w.link(listunsub.HeaderLink), actUnsubscribe)
	ofBob := w.linkTo(listunsub.Claims{List: confirmation.Access, Recipient: bob, Issued: start, Purpose: listunsub.ConfirmLink})
	path, page := w.openData()
	download, get := formsOf(t, page)[actDownload], formsOf(t, page)[actReceipt]
	code := w.form(path, actCode)
	made := w.made()
	for name, c := range map[string]struct {
		path string
		form shown
		wait time.Duration
		want int
	}{
		"without a seal":            {path, download.with(fieldSeal, ""), 0, 400},
		"by another action":         {path, get.with(fieldAction, actDownload), 0, 400},
		"by the download's form":    {path, download.with(fieldAction, actReceipt, fieldEvent, "1"), 0, 400},
		"by the form for the code":  {path, code.with(fieldAction, actDownload), 0, 400},
		"by a link of the list":     {w.link(listunsub.BodyLink), download, 0, 400},
		"of bob, by a form of ada":  {ofBob, download, 0, 400},
		"by an old form":            {path, download, formLife + time.Second, 409},
		"receipt, with an old form": {path, get, formLife + time.Second, 409},
	} {
		t.Run(name, func(t *testing.T) {
			w.pass(c.wait)
			defer w.pass(-c.wait)
			res, page := w.submit(c.path, c.form)
			if res.StatusCode != c.want || res.Header.Get("Content-Disposition") != "" || !strings.Contains(page, "Nothing was changed") {
				t.Errorf("%s %s", res.Status, page)
			}
		})
	}
	for _, query := range []string{"?action=download", "?view=download", "?view=history", "?code=12345678", "?action=receipt&event=1"} {
		if res, _ := w.get(path + query); res.Header.Get("Content-Disposition") != "" || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("GET %s: %v", query, res.Header)
		}
	}
	if got := w.made(); !slices.Equal(got, made) || w.site.Stats.Taken.Load() != 0 {
		t.Errorf("changes %q, %d taken", got, w.site.Stats.Taken.Load())
	}
}

// A receipt proves itself by the public key, and says what the ledger says.
func TestReceipt(t *testing.T) {
	w := newWorld(t)
	page := w.press(w.link(listunsub.HeaderLink), actUnsubscribe)
	if _, ok := formsOf(t, page)[actAskData]; !ok {
		t.Errorf("no receipt is offered: %s", page)
	}
	w.pass(time.Minute)
	path, page := w.openData()
	for name, f := range map[string]shown{"the first time": formsOf(t, page)[actReceipt], "again": formsOf(t, page)[actReceipt]} {
		res, text := w.submit(path, f)
		if got := res.Header.Get("Content-Disposition"); res.StatusCode != 200 || got != `attachment; filename="offramp-receipt-1.txt"` {
			t.Fatalf("%s: %s, %q: %s", name, res.Status, got, text)
		}
		if got := res.Header.Get("Content-Type") + res.Header.Get("Cache-Control"); got != typeText+"no-store" {
			t.Errorf("%s: %q", name, got)
		}
		got, err := ledger.OpenReceipt([]byte(text), w.site.Receipts.Verifier())
		want := ledger.Receipt{Recipient: ada, List: news, Kind: store.EventUnsubscribed, Way: store.Page, Received: start, InForce: start, Event: 1}
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v %s", name, err, d)
		}
		forged := strings.Replace(text, ada, bob, 1)
		if _, err := ledger.OpenReceipt([]byte(forged), w.site.Receipts.Verifier()); err == nil {
			t.Errorf("%s: a receipt for somebody else is taken", name)
		}
	}
}

// A form may name any event: only an opt-out of the person themselves has a
// receipt, and all others are refused alike, so that nothing is learnt of them.
func TestReceiptOfNothingElse(t *testing.T) {
	w := newWorld(t)
	own := w.happened(store.Event{Kind: store.EventUnsubscribed, Recipient: ada, List: news, Way: store.OneClick})
	ofBob := w.happened(store.Event{Kind: store.EventUnsubscribed, Recipient: bob, List: news, Way: store.OneClick})
	reason := w.happened(store.Event{Kind: store.EventReason, Recipient: ada, List: news, Detail: "x"})
	path, page := w.openData()
	get := formsOf(t, page)[actReceipt]
	_, nothing := w.submit(path, get.with(fieldEvent, "4711"))
	lacks(t, nothing, "Nothing was changed", "a choice that does not exist")
	for name, event := range map[string]string{
		"of bob": fmt.Sprint(ofBob), "of another kind": fmt.Sprint(reason), "none": "", "zero": "0", "negative": "-1", "no number": "1 OR 1",
		"the greatest": "9223372036854775807", "greater": "9223372036854775808",
	} {
		res, page := w.submit(path, get.with(fieldEvent, event))
		if res.StatusCode != 422 || page != nothing || res.Header.Get("Content-Disposition") != "" {
			t.Errorf("%s: %s %s", name, res.Status, page)
		}
	}
	if res, page := w.submit(path, get.with(fieldEvent, fmt.Sprint(own))); res.StatusCode != 200 {
		t.Errorf("the own one: %s %s", res.Status, page)
	}
	w.site.Receipts = nil
	w.build()
	if res, page := w.submit(path, get); res.StatusCode != 422 || page != nothing {
		t.Errorf("without a key: %s %s", res.Status, page)
	}
}

// Whoever typed the code gets a receipt of opt-outs and of nothing else, of the
// newest first; the page offers it after an opt-out only.
func TestReceiptAmongOtherChoices(t *testing.T) {
	w := newWorld(t)
	w.lists[other] = store.List{ID: other, Name: "Other", Public: true, ThirdParty: true}
	link := w.link(listunsub.HeaderLink)
	if page := w.press(link, actChoose, fieldList+news, "week", fieldList+other, "off", fieldSharing, "refuse"); !strings.Contains(page, "Get a receipt") {
		t.Errorf("no receipt is offered of an opt-out: %s", page)
	}
	if page := w.press(link, actChoose, fieldList+news, "day"); strings.Contains(page, "Get a receipt") {
		t.Errorf("a receipt is offered of what is no opt-out: %s", page)
	}
	for range mostReceipts {
		w.happened(store.Event{Kind: store.EventUnsubscribed, Recipient: bob, List: other})
	}
	path, page := w.openData()
	if n := strings.Count(page, ">Receipt</button>"); n != 1 {
		t.Errorf("%d receipts", n)
	}
	f := formsOf(t, page)[actReceipt]
	res, text := w.submit(path, f)
	got, err := ledger.OpenReceipt([]byte(text), w.site.Receipts.Verifier())
	if res.StatusCode != 200 || err != nil || got.List != other {
		t.Errorf("event %s: %s, receipt of %q, %v", f.fields.Get(fieldEvent), res.Status, got.List, err)
	}
	for range mostReceipts {
		w.happened(store.Event{Kind: store.EventUnsubscribed, Recipient: ada, List: news})
	}
	if _, page := w.openData(); strings.Count(page, ">Receipt</button>") != mostReceipts || len(page) > 30<<10 {
		t.Errorf("receipts of %d opt-outs: %s", mostReceipts+1, page)
	}
	w.site.Receipts = nil
	w.build()
	if _, page := w.openData(); strings.Contains(page, "Receipt") {
		t.Errorf("receipts are offered by a site without a key: %s", page)
	}
}
