package feedback_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"offramp/gateway/feedback"
	"offramp/listunsub"
)

// counting counts the messages that are verified.
type counting struct {
	signers
	n *int
}

func (c counting) Verify(ctx context.Context, raw []byte) ([]string, error) {
	*c.n++
	return c.signers.Verify(ctx, raw)
}

// One message is verified once and logged once, however often its boxes are
// named; a thousand times took 60 MB of log.
func TestOneMessageCountsOnce(t *testing.T) {
	b := newBench(t)
	n := 0
	b.Verify = counting{signers{domains: []string{"provider.example"}}, &n}
	var to []string
	for range 300 {
		to = append(to, "cfbl@"+domain, "CFBL@"+domain, "Complaints@"+domain)
	}
	report := arf("abuse", "CFBL-Feedback-ID: "+b.seal(t, listunsub.FeedbackID, "anna@example.net")+"\n", "")
	if err := b.Receive(context.Background(), inbound(t, report, to...)); err != nil {
		t.Fatal(err)
	}
	if n != 1 || len(b.consent.complaints) != 1 {
		t.Errorf("verified %d times, %d complaints", n, len(b.consent.complaints))
	}
	if lines := strings.Count(b.log.String(), "\n"); lines != 2 { // one for each box
		t.Errorf("%d lines of log", lines)
	}
}

// The spellings of one address have a person leave once.
func TestOneAddressInSeveralSpellings(t *testing.T) {
	b := newBench(t)
	anna := b.token(t, listunsub.OptOutAddress, "anna@example.net", news) + "@" + domain
	to := []string{anna, strings.ToUpper(anna), strings.Replace(anna, "+", "-", 1), strings.Replace(anna, "+", "=2B", 1)}
	if err := b.Receive(context.Background(), inbound(t, plain, to...)); err != nil {
		t.Fatal(err)
	}
	if len(b.consent.calls) != 1 || strings.Count(b.log.String(), "\n") != 1 {
		t.Errorf("%+v\n%s", b.consent.calls, b.log)
	}
}

// Whose keys are looked up is up to the sender: nobody's, unless a token of ours
// is in the message.
func TestNothingIsLookedUpWithoutAToken(t *testing.T) {
	n := 0
	for _, data := range []string{
		arf("abuse", "CFBL-Feedback-ID: "+newBench(t).seal(t, listunsub.FeedbackID, "anna@example.net")+"\n", ""),
		arf("opt-out", "", "anna@example.net"),
		dsn("anna@example.net", "5.1.1", "550 5.1.1 User unknown", ""),
		reply("anna@example.net", "STOP\n"),
		plain,
	} {
		b := newBench(t)
		b.Verify = counting{signers{err: errors.New("looked up")}, &n}
		if err := b.Receive(context.Background(), inbound(t, data, "cfbl@"+domain)); err != nil && !errors.Is(err, feedback.ErrTooLarge) {
			t.Error(err)
		}
		if c := b.consent.changes() + len(b.consent.answers); c != 0 {
			t.Errorf("%d records", c)
		}
	}
	if n != 0 {
		t.Errorf("%d messages verified", n)
	}
}
