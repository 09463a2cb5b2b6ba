package gateway_test

import (
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	_ "github.com/mattn/go-sqlite3"

	"offramp/gateway"
	"offramp/gateway/callout"
	"offramp/gateway/render"
	"offramp/gateway/sink"
	"offramp/store"
)

// listmonk is a sender like it, with the tables and the page of its own that an
// opt-out changes. Its links are unique for campaign and subscriber, and stand in
// the header alone; its root URL is http and internal.
type listmonk struct {
	t    *testing.T
	db   *sql.DB
	page *httptest.Server
}

const (
	campaign = "8a1c9e51-8f1b-4f43-9c8e-0c1c9c3c8a11"
	noOne    = "00000000-0000-0000-0000-000000000000" // the campaign of letters that ask for a yes
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func startListmonk(t *testing.T, people ...string) *listmonk {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+t.TempDir()+"/listmonk.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	l := &listmonk{t: t, db: db}
	l.exec(`CREATE TABLE subscribers (id INTEGER PRIMARY KEY, uuid TEXT UNIQUE, email TEXT UNIQUE);
		CREATE TABLE campaigns (id INTEGER PRIMARY KEY, uuid TEXT UNIQUE);
		CREATE TABLE campaign_lists (campaign_id INTEGER, list_id INTEGER);
		CREATE TABLE subscriber_lists (subscriber_id INTEGER, list_id INTEGER, status TEXT, PRIMARY KEY (subscriber_id, list_id));
		INSERT INTO campaigns VALUES (1, '` + campaign + `');
		INSERT INTO campaign_lists VALUES (1, 1)`)
	for i, email := range people {
		l.exec("INSERT INTO subscribers VALUES (?, ?, ?)", i+1, subscriber(i+1), email)
		l.exec("INSERT INTO subscriber_lists VALUES (?, 1, 'confirmed'), (?, 2, 'confirmed')", i+1, i+1)
	}
	pages := http.NewServeMux()
	pages.HandleFunc("POST /subscription/{campaign}/{subscriber}", l.unsubscribe)
	l.page = httptest.NewServer(pages)
	t.Cleanup(l.page.Close)
	return l
}

func subscriber(n int) string { return fmt.Sprintf("6f3d0a52-3b5e-4e84-b0e8-%012d", n) }

func (l *listmonk) exec(text string, args ...any) {
	l.t.Helper()
	if _, err := l.db.Exec(text, args...); err != nil {
		l.t.Fatal(err)
	}
}

// unsubscribe takes a POST as its page does: whatever the body says, and with 200
// also where the campaign is none and nothing is changed.
func (l *listmonk) unsubscribe(w http.ResponseWriter, r *http.Request) {
	campaign, subscriber := r.PathValue("campaign"), r.PathValue("subscriber")
	if !uuid.MatchString(campaign) || !uuid.MatchString(subscriber) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if r.FormValue("List-Unsubscribe") != "One-Click" {
		l.t.Errorf("body of a call: %v", r.PostForm)
	}
	if _, err := l.db.Exec(`UPDATE subscriber_lists SET status = 'unsubscribed'
		WHERE subscriber_id = (SELECT id FROM subscribers WHERE uuid = ?)
		AND list_id IN (SELECT list_id FROM campaign_lists WHERE campaign_id = (SELECT id FROM campaigns WHERE uuid = ?))`, subscriber, campaign); err != nil {
		l.t.Error(err)
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// status is what its database says of a subscriber's two lists.
func (l *listmonk) status(email string) string {
	l.t.Helper()
	var status string
	if err := l.db.QueryRow(`SELECT group_concat(status, ' ') FROM (SELECT status FROM subscriber_lists
		WHERE subscriber_id = (SELECT id FROM subscribers WHERE email = ?) ORDER BY list_id)`, email).Scan(&status); err != nil {
		l.t.Fatal(err)
	}
	return status
}

// send sends a campaign to a subscriber.
func (l *listmonk) send(g *gateway.Gateway, campaign, email string) {
	l.t.Helper()
	var id string
	if err := l.db.QueryRow("SELECT uuid FROM subscribers WHERE email = ?", email).Scan(&id); err != nil {
		l.t.Fatal(err)
	}
	message := "From: Shop <news@shop.example>\r\nTo: <" + email + ">\r\nSubject: News\r\nMessage-ID: <" + campaign + "." + id + "@shop.example>\r\n" +
		"X-Listmonk-Campaign: " + campaign + "\r\nX-Listmonk-Subscriber: " + id + "\r\n" +
		"List-Unsubscribe: <" + l.page.URL + "/subscription/" + campaign + "/" + id + ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nNews.\r\n"
	client, err := smtp.Dial(g.Addrs().SMTP[0])
	if err != nil {
		l.t.Fatal(err)
	}
	defer client.Close()
	if err := client.SendMail("news@shop.example", []string{email}, strings.NewReader(message)); err != nil {
		l.t.Fatal(err)
	}
}

// chained is a house whose opt-outs are passed on.
func chained(t *testing.T, allowed ...string) *house {
	t.Helper()
	h := newHouse(t, sink.Options{})
	h.config.Render.ExistingHeader = render.Chain
	h.config.Callout = callout.Config{Targets: allowed}
	return h
}

// told waits for n events that say what became of calls.
func (h *house) told(n int) []store.Event {
	h.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		all, err := h.db.Consent().Events(h.t.Context(), store.EventFilter{Kinds: []store.EventKind{store.EventNotified, store.EventNotNotified}})
		if err != nil {
			h.t.Fatal(err)
		}
		if len(all) >= n {
			return all
		}
		if time.Now().After(end) {
			h.t.Fatalf("%d calls, want %d", len(all), n)
		}
	}
}

// A Gmail-style one-click at Offramp reaches the sender's database.
func TestOneClickReachesListmonk(t *testing.T) {
	l := startListmonk(t, "ada@dest.example", "bob@dest.example", "eve@dest.example")
	h := chained(t, l.page.URL)
	g, _ := h.run()
	for _, who := range []string{"ada", "bob"} {
		l.send(g, campaign, who+"@dest.example")
	}
	l.send(g, noOne, "eve@dest.example")
	for _, m := range h.arrived(3) {
		if raw := string(m.Data); strings.Contains(raw, l.page.URL) || strings.Count(raw, "List-Unsubscribe:") != 1 {
			t.Fatalf("its own link is left in\n%s", raw)
		}
		if !strings.HasPrefix(m.Recipients[0], "bob@") {
			oneClick(t, g, m.Data)
		}
	}
	told := map[string]store.Event{}
	for _, e := range h.told(2) {
		told[e.Recipient] = e
	}
	for who, want := range map[string]string{
		"ada@dest.example": "unsubscribed confirmed", // the campaign's list, and no other
		"bob@dest.example": "confirmed confirmed",
		"eve@dest.example": "confirmed confirmed", // 200, and nothing changed: told, not proven
	} {
		if got := l.status(who); got != want {
			t.Errorf("%s: %s, want %s", who, got, want)
		}
	}
	for _, who := range []string{"ada@dest.example", "eve@dest.example"} {
		if e := told[who]; e.Kind != store.EventNotified || e.Ref == 0 || e.List != "shop.example" || e.Detail != l.page.URL+": POST answered 200 OK" {
			t.Errorf("%s: %+v", who, e)
		}
	}
	// The person has left, whatever its database says.
	l.send(g, campaign, "eve@dest.example")
	l.send(g, campaign, "bob@dest.example")
	h.arrived(4)
	h.settled()
	if all := h.sink.Wait(4, time.Now()); len(all) != 4 {
		t.Errorf("%d messages arrived, want 4", len(all))
	}
}

// What a server that stopped had not told yet, the next one tells.
func TestToldAfterAStart(t *testing.T) {
	l := startListmonk(t, "ada@dest.example")
	address := l.page.Listener.Addr().String()
	h := chained(t, "http://"+address)
	g, stop := h.run()
	l.send(g, campaign, "ada@dest.example")
	m := h.arrived(1)[0]
	l.page.Close()
	oneClick(t, g, m.Data)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := l.status("ada@dest.example"); got != "confirmed confirmed" {
		t.Fatal(got)
	}
	page := httptest.NewUnstartedServer(l.page.Config.Handler)
	page.Listener.Close()
	var err error
	if page.Listener, err = net.Listen("tcp", address); err != nil {
		t.Skip(err) // somebody else has the port by now
	}
	page.Start()
	defer page.Close()
	h.run()
	h.told(1)
	if got := l.status("ada@dest.example"); got != "unsubscribed confirmed" {
		t.Error(got)
	}
}
