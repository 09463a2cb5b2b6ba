package feedback_test

import (
	"cmp"
	"context"
	"fmt"
	"testing"
	"time"

	"offramp/listunsub"
)

// Who has mail of ours can report any number of bounces and complaints about
// themselves. A few are kept one by one, the rest of a day as one of each kind.
func TestManyReportsAboutOnePerson(t *testing.T) {
	b := newBench(t)
	now := time.Date(2026, 11, 28, 23, 0, 0, 0, time.UTC)
	b.Now = func() time.Time { return now }
	sent := 0
	send := func(person string, n int) {
		t.Helper()
		for range n {
			sent++
			i := sent
			data := dsn(person, "4.2.2", "452 4.2.2 Mailbox full", fmt.Sprintf("X-Number: %d\n", i))
			kind := "bounce"
			if i%2 == 1 {
				kind, data = "complaint", arf("abuse", "", fmt.Sprintf("X-Number: %d\n", i))
			}
			in := inbound(t, data, b.token(t, listunsub.BounceAddress, person, news)+"@"+domain)
			if kind == "bounce" {
				in.Envelope.ReversePath = b.bounce(t, "").Envelope.ReversePath
			}
			if err := b.Receive(context.Background(), in); err != nil {
				t.Fatal(err)
			}
		}
	}
	events := func() int {
		names := make(map[string]bool)
		for _, r := range b.consent.bounces {
			names[cmp.Or(r.Merged, r.Once)] = true
		}
		for _, r := range b.consent.complaints {
			names[cmp.Or(r.Merged, r.Once)] = true
		}
		return len(names)
	}
	send("anna@example.net", 200)
	if n := events(); n != 22 {
		t.Errorf("%d events of one day, want 20 and one of each kind", n)
	}
	send("bob@example.net", 4)
	if n := events(); n != 26 {
		t.Errorf("%d events with those of another person", n)
	}
	now = now.Add(2 * time.Hour)
	send("anna@example.net", 4)
	if n := events(); n != 30 {
		t.Errorf("%d events with those of the next day", n)
	}
	for _, r := range b.consent.complaints {
		if !r.Stops {
			t.Error("a complaint does not stop")
		}
	}
}
