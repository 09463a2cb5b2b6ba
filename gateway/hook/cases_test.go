package hook

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

const reader = "reader@dest.test"

// back has a person take an opt-out back.
func (h *house) back(address string) {
	h.t.Helper()
	if _, err := h.people.Resubscribe(h.t.Context(), consent.Subject{Recipient: mustParse(h.t, address)}, store.Page, consent.Evidence{}); err != nil {
		h.t.Fatal(err)
	}
}

// Nothing of these bodies stops mail, however often it is reported.
func TestCasesNeverStop(t *testing.T) {
	for name, vendor := range map[string]string{
		"02-mailgun-old.json": mailgun, "03-mailgun-temporary.jsonl": mailgun,
		"05-sendgrid-full-then-dropped.json": sendGrid, "05c-ses-account-list.json": ses,
	} {
		h := newHouse(t)
		for day := range 30 {
			h.letter(reader)
			for i, event := range strings.Split(strings.TrimSpace(file(t, "cases/"+name)), "\n") {
				if vendor == sendGrid { // one batch, with a delivery before it now and then
					event = strings.Join(strings.Split(file(t, "cases/"+name), "\n"), "")
					event = strings.NewReplacer(`"e1"`, `"ID-e1"`, `"e2"`, `"ID-e2"`).Replace(event)
					if day%4 == 3 {
						h.taken(sendGrid, `{"email":"reader@dest.test","event":"delivered","sg_event_id":"d"}`, "d")
					}
				}
				for _, own := range []string{`"o1"`, `"t1"`, `"t2"`, `"f2"`, `"ID-e1"`, `"ID-e2"`} {
					event = strings.ReplaceAll(event, own, fmt.Sprintf(`"%d-%d-%s"`, day, i, strings.Trim(own, `"`)))
				}
				h.taken(vendor, event, "x")
			}
			h.pass(24 * time.Hour)
		}
		if got := h.stopped(reader); got != "" {
			t.Errorf("%s: stopped by %q", name, got)
		}
		if p := h.person(reader); vendor != sendGrid && p.Bounces.Count != 0 {
			t.Errorf("%s: a run of %d", name, p.Bounces.Count)
		}
	}
}

// A vendor's old list opts nobody out again who came back, whatever put them on
// it, and the operator is told.
func TestCaseUnsubscribedAgain(t *testing.T) {
	event := file(t, "cases/06-sendgrid-unsubscribed-again.json")
	for name, before := range map[string]string{
		"heard of first by the list": "",
		"heard of before":            `{"email":"reader@dest.test","event":"unsubscribe","sg_event_id":"u"}`,
	} {
		h := newHouse(t)
		if before != "" {
			h.taken(sendGrid, before, "u")
		}
		h.taken(sendGrid, event, "first")
		if got := h.stopped(reader); got != store.ReasonUnsubscribedAll {
			t.Errorf("%s: %q", name, got)
		}
		h.pass(time.Hour)
		h.back(reader)
		noted := h.feedback.Stats.Withheld.Unsubscribed.Load()
		for day := range 40 {
			h.pass(24 * time.Hour)
			h.taken(sendGrid, event, fmt.Sprint("again", day))
		}
		if got := h.stopped(reader); got != "" {
			t.Errorf("%s: opted out again: %q", name, got)
		}
		if got := h.feedback.Stats.Withheld.Unsubscribed.Load() - noted; got != 40 {
			t.Errorf("%s: counted %d", name, got)
		}
		if n := h.count(reader, store.EventAnswered); n != 1 {
			t.Errorf("%s: %d events of one list", name, n)
		}
	}
}

// So does a complaint that the operator has lifted.
func TestComplaintLifted(t *testing.T) {
	for vendor, events := range map[string][2]string{
		sendGrid: {`{"email":"reader@dest.test","event":"spamreport","sg_event_id":"ID"}`, `{"email":"reader@dest.test","event":"dropped","reason":"Spam Reporting Address","sg_event_id":"ID"}`},
		mailgun:  {`{"event":"complained","id":"ID","recipient":"reader@dest.test"}`, `{"event":"failed","id":"ID","severity":"permanent","reason":"suppress-complaint","recipient":"reader@dest.test","delivery-status":{"code":607}}`},
	} {
		h := newHouse(t)
		h.taken(vendor, events[0], "c")
		if got := h.stopped(reader); got != store.ReasonComplained {
			t.Errorf("%s: %q", vendor, got)
		}
		if _, err := h.people.Unsuppress(t.Context(), consent.Subject{Recipient: mustParse(t, reader)}, store.ReasonComplained, consent.Evidence{}); err != nil {
			t.Fatal(err)
		}
		for day := range 5 {
			h.pass(24 * time.Hour)
			h.taken(vendor, events[1], fmt.Sprint("again", day))
		}
		if got := h.stopped(reader); got != "" {
			t.Errorf("%s: stopped again: %q", vendor, got)
		}
	}
}

// A person who gets every letter, and whose provider defers each of them once, is
// never stopped: for a year, daily or weekly, with reports of deliveries or
// without.
func TestYearOfDeferrals(t *testing.T) {
	deferred := map[string]string{
		mailgun:  `{"event":"failed","id":"ID","severity":"temporary","reason":"generic","recipient":"reader@dest.test","delivery-status":{"code":450,"message":"4.2.2 mailbox over quota, try again later"}}`,
		postmark: `{"RecordType":"Bounce","ID":"ID","Type":"Transient","Email":"reader@dest.test","Details":"smtp;450 4.2.2 mailbox over quota, try again later"}`,
		sendGrid: `{"email":"reader@dest.test","event":"deferred","response":"450 4.2.2 mailbox over quota","attempt":"1","sg_event_id":"ID"}`,
		ses:      `{"eventType":"DeliveryDelay","deliveryDelay":{"delayType":"MailboxFull","delayedRecipients":[{"emailAddress":"reader@dest.test","status":"4.2.2","diagnosticCode":"smtp; 450 4.2.2 mailbox over quota"}]}}`,
	}
	for vendor, event := range deferred {
		for _, every := range []time.Duration{24 * time.Hour, 7 * 24 * time.Hour} {
			t.Run(fmt.Sprint(vendor, every), func(t *testing.T) {
				t.Parallel()
				deferrals(t, vendor, event, every)
			})
		}
	}
}

func deferrals(t *testing.T, vendor, event string, every time.Duration) {
	h := newHouse(t)
	for letter := 0; h.clock.Sub(now) < 365*24*time.Hour; letter++ {
		h.letter(reader)
		h.taken(vendor, event, fmt.Sprint("letter", letter))
		h.pass(every)
		if got := h.stopped(reader); got != "" {
			t.Fatalf("%s every %s: stopped by %q after %d letters", vendor, every, got, letter+1)
		}
	}
	if p := h.person(reader); p.Bounces.Count != 0 || h.count(reader, store.EventBounced) != 0 {
		t.Errorf("%s every %s: %+v", vendor, every, p.Bounces)
	}
}

// What a vendor delivers ends a run: four full mailboxes and a letter that
// arrives, for a year.
func TestDeliveriesEndRuns(t *testing.T) {
	events := map[string][2]string{
		mailgun:  {`{"event":"failed","id":"ID","severity":"permanent","reason":"bounce","recipient":"reader@dest.test","delivery-status":{"code":552,"message":"5.2.2 mailbox full"}}`, `{"event":"delivered","id":"ID","recipient":"reader@dest.test"}`},
		postmark: {`{"RecordType":"Bounce","ID":"ID","Type":"SoftBounce","Email":"reader@dest.test","Details":"smtp;452 4.2.2 over quota"}`, `{"RecordType":"Delivery","Recipient":"reader@dest.test"}`},
		sendGrid: {`{"email":"reader@dest.test","event":"bounce","type":"bounce","status":"5.2.2","reason":"552 5.2.2 mailbox full","sg_event_id":"ID"}`, `{"email":"reader@dest.test","event":"delivered","sg_event_id":"ID"}`},
		ses:      {`{"eventType":"Bounce","bounce":{"bounceType":"Transient","bounceSubType":"MailboxFull","feedbackId":"ID","bouncedRecipients":[{"emailAddress":"reader@dest.test","status":"4.4.7","diagnosticCode":"smtp; 452 4.2.2 mailbox full"}]}}`, `{"eventType":"Delivery","delivery":{"recipients":["reader@dest.test"]}}`},
	}
	for vendor, pair := range events {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			delivered(t, vendor, pair)
		})
	}
}

func delivered(t *testing.T, vendor string, pair [2]string) {
	h := newHouse(t)
	for day := range 365 {
		h.letter(reader)
		h.taken(vendor, pair[min(1, day%5/4)], fmt.Sprint("day", day))
		if got := h.stopped(reader); got != "" {
			t.Fatalf("%s: stopped by %q on day %d", vendor, got, day)
		}
		h.pass(24 * time.Hour)
	}
	for day := range 5 { // and then it is dead
		h.taken(vendor, pair[0], fmt.Sprint("end", day))
		h.pass(24 * time.Hour)
	}
	if got := h.stopped(reader); got != store.ReasonBounced {
		t.Errorf("%s: full for good, and stopped by %q", vendor, got)
	}
}
