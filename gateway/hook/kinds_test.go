package hook

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

// days is how often each event of the table is reported, once a day.
const days = 7

// What each event of each vendor does, reported once, three times, and each day
// of a week with a new ID while no mail arrives: only what the table calls hard
// stops mail at once, and only soft bounces do in a run.
func TestKinds(t *testing.T) {
	for _, vendor := range []string{mailgun, postmark, sendGrid, ses} {
		h := newHouse(t)
		for i, line := range strings.Split(strings.TrimSpace(file(t, "kinds/"+vendor+".tsv")), "\n") {
			cells := strings.SplitN(line, "\t", 3)
			if len(cells) != 3 {
				t.Fatalf("%s line %d has %d cells", vendor, i+1, len(cells))
			}
			want, why, who := cells[0], cells[1], fmt.Sprintf("reader%d@dest.test", i)
			t.Run(vendor+" "+why, func(t *testing.T) {
				h.t, h.clock = t, now
				h.kind(vendor, want, who, strings.ReplaceAll(cells[2], "reader@dest.test", who))
			})
		}
	}
}

func (h *house) kind(vendor, want, who, event string) {
	t := h.t
	for range 3 {
		h.taken(vendor, event, "id0")
	}
	first, recorded := h.stopped(who), h.count(who, store.EventBounced, store.EventComplained, store.EventUnsubscribed, store.EventAnswered)
	wanted := map[string]struct {
		reason   store.Reason // after the first
		recorded int          // events
		later    store.Reason // after a week
	}{
		"hard":      {store.ReasonBounced, 1, store.ReasonBounced},
		"soft":      {"", 1, store.ReasonBounced},
		"none":      {"", 1, ""},
		"withheld":  {"", 1, ""},
		"deferral":  {"", 0, ""},
		"delivered": {"", 0, ""},
		"nothing":   {"", 0, ""},
		"complaint": {store.ReasonComplained, 1, store.ReasonComplained},
		"opt-out":   {store.ReasonUnsubscribedAll, 1, store.ReasonUnsubscribedAll},
	}
	w, known := wanted[want]
	if !known {
		t.Fatalf("the table wants %q", want)
	}
	// A list that nobody knew of is noted when it is reported again.
	if first != w.reason || recorded != w.recorded && !(recorded == w.recorded+1 && w.reason != "") {
		t.Errorf("at first: stopped by %q, %d events; want %q, %d", first, recorded, w.reason, w.recorded)
	}
	if want == "withheld" && h.count(who, store.EventAnswered) != 1 {
		t.Error("not recorded as mail that was not sent")
	}
	for day := 1; day < days; day++ {
		h.pass(24 * time.Hour)
		h.taken(vendor, event, fmt.Sprintf("id%d", day))
		if got := h.stopped(who); want == "soft" && day < 4 && got != "" {
			t.Errorf("stopped by %q on day %d", got, day)
		}
	}
	if got := h.stopped(who); got != w.later {
		t.Errorf("after a week: stopped by %q, want %q", got, w.later)
	}
}

// The same event counts once, in whatever order its repetitions come.
func TestRepetitions(t *testing.T) {
	full := map[string]string{
		mailgun:  `{"event":"failed","id":"ID","severity":"permanent","reason":"bounce","recipient":"reader@dest.test","delivery-status":{"code":552,"message":"5.2.2 mailbox full"}}`,
		postmark: `{"RecordType":"Bounce","ID":"ID","Type":"HardBounce","Email":"reader@dest.test","Details":"smtp;552 5.2.2 mailbox full"}`,
		sendGrid: `{"email":"reader@dest.test","event":"bounce","type":"bounce","status":"5.2.2","reason":"552 5.2.2 mailbox full","sg_event_id":"ID"}`,
		ses:      `{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","feedbackId":"ID","bouncedRecipients":[{"emailAddress":"reader@dest.test","status":"5.2.2","diagnosticCode":"smtp; 552 5.2.2 mailbox full"}]}}`,
	}
	for vendor, event := range full {
		h := newHouse(t)
		for _, id := range []string{"a", "b", "c", "b", "a", "c", "c", "a", "b"} {
			h.pass(24 * time.Hour)
			h.taken(vendor, event, id)
		}
		if p := h.person("reader@dest.test"); p.Bounces.Count != 3 || h.count("reader@dest.test", store.EventBounced) != 3 {
			t.Errorf("%s: %+v", vendor, p.Bounces)
		}
	}
}

// An opt-out at the vendor that is reported again, or late, does not take back
// what the person chose here since.
func TestOptOutReportedAgain(t *testing.T) {
	at := now.Add(-time.Minute)
	events := map[string]string{
		mailgun:  fmt.Sprintf(`{"event":"unsubscribed","id":"ID","timestamp":%d.25,"recipient":"reader@dest.test"}`, at.Unix()),
		postmark: fmt.Sprintf(`{"RecordType":"SubscriptionChange","Recipient":"reader@dest.test","Origin":"Recipient","SuppressSending":true,"SuppressionReason":"ManualSuppression","ChangedAt":%q}`, at.Format(time.RFC3339)),
		sendGrid: fmt.Sprintf(`{"email":"reader@dest.test","event":"unsubscribe","timestamp":%d,"sg_event_id":"ID"}`, at.Unix()),
		ses:      fmt.Sprintf(`{"eventType":"Subscription","subscription":{"timestamp":%q,"newTopicPreferences":{"unsubscribeAll":true}},"mail":{"destination":["reader@dest.test"]}}`, at.Format(time.RFC3339)),
	}
	for vendor, event := range events {
		h := newHouse(t)
		h.taken(vendor, event, "a")
		if got := h.stopped("reader@dest.test"); got != store.ReasonUnsubscribedAll {
			t.Errorf("%s: %q", vendor, got)
		}
		h.back("reader@dest.test")
		for range 3 {
			h.pass(time.Hour)
			h.taken(vendor, event, "a")
		}
		if got := h.stopped("reader@dest.test"); got != "" {
			t.Errorf("%s, repeated: %q", vendor, got)
		}
	}
}
