package hook

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/feedback"
	"offramp/listunsub"
	"offramp/store"
	"offramp/store/sqlite"
)

// house is hooks over the rooms they report to and a real store, with a clock
// that is moved.
type house struct {
	*bench
	t        *testing.T
	amazon   *amazon
	people   *consent.Consent
	feedback *feedback.Feedback
	db       store.Consent
	clock    time.Time
	serial   int
}

// list is the list of the letters.
const list = "news.example.org"

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{bench: newBench(t), t: t, clock: now, amazon: newAmazon(t, "sns.amazonaws.com", now.AddDate(3, 0, 0))}
	h.Now = func() time.Time { return h.clock }
	h.Client = &http.Client{Transport: h.amazon}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: filepath.Join(t.TempDir(), "data"), PersonKey: make([]byte, 32)}) // its own clock: it looks at it from elsewhere too
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	ring, err := listunsub.ParseKeyRing(listunsub.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	h.db = db.Consent()
	h.people = &consent.Consent{
		Config: consent.Config{BounceLimit: 5, BounceProof: 144 * time.Hour, TransactionalDead: true}, Store: h.db, Records: h.db, Turns: h.db, Lists: h.db, Now: h.Now,
	}
	h.feedback = &feedback.Feedback{
		Domain: "out.example.org", Tokens: ring, Consent: h.people, Answers: h.people, Lists: h.db, Codes: h.db,
		Sent: new(feedback.Sent), Now: h.Now, Log: slog.New(slog.DiscardHandler), Stats: new(feedback.Stats),
	}
	h.Outcomes = h.feedback
	return h
}

// report has a vendor report one event now. The value ID in it becomes id.
func (h *house) report(vendor, event, id string) int {
	h.t.Helper()
	event = strings.NewReplacer(`:"ID"`, `:"`+id+`"`, "NEW-EACH-TIME", id).Replace(event)
	h.serial++
	switch vendor {
	case sendGrid:
		if !strings.HasPrefix(event, "[") {
			event = "[" + event + "]"
		}
		return h.call(h.signSendGrid(h.t, event, h.clock))
	case mailgun:
		return h.call(post(mailgun, signMailgunToken(event, h.clock, "token "+time.Duration(h.serial).String())))
	case postmark:
		return h.call(fromPostmark(event))
	}
	n := notice(event)
	n.Timestamp, n.MessageID = h.clock.Format(time.RFC3339), id
	return h.call(h.amazon.notify(n))
}

// taken fails the test unless a report is answered 200.
func (h *house) taken(vendor, event, id string) {
	h.t.Helper()
	if code := h.report(vendor, event, id); code != http.StatusOK {
		h.t.Fatalf("%s %s: answer %d", vendor, event, code)
	}
}

func (h *house) person(address string) store.Person {
	h.t.Helper()
	p, err := h.people.Person(h.t.Context(), mustParse(h.t, address))
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func mustParse(t testing.TB, address string) envelope.Address {
	t.Helper()
	a, err := envelope.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// stopped says why mail of the list to an address is stopped; empty: it is not.
func (h *house) stopped(address string) store.Reason {
	h.t.Helper()
	v, err := h.people.Verdict(h.t.Context(), mustParse(h.t, address), list)
	if err != nil {
		h.t.Fatal(err)
	}
	return v.Reason
}

// count is how many events of a kind a person has.
func (h *house) count(address string, kinds ...store.EventKind) int {
	h.t.Helper()
	events, err := h.db.Events(h.t.Context(), store.EventFilter{Recipient: mustParse(h.t, address).Key()})
	if err != nil {
		h.t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if slices.Contains(kinds, e.Kind) {
			n++
		}
	}
	return n
}

// letter has a letter sent now.
func (h *house) letter(address string) {
	h.t.Helper()
	err := h.db.Sent(h.t.Context(), store.Contact{Recipient: mustParse(h.t, address).Key(), List: list, First: h.clock, Last: h.clock, Count: 1})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) pass(d time.Duration) { h.clock = h.clock.Add(d) }
