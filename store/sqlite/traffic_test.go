package sqlite

import (
	"context"
	"fmt"
	"testing"

	"offramp/store"
)

// Senders without end are counted by domain, and domains without end not at
// all; those that were counted before count on.
func TestTrafficIsBounded(t *testing.T) {
	ctx := context.Background()
	c := openTest(t, Options{Dir: t.TempDir()}).Consent()
	add := func(n int, sender string) {
		t.Helper()
		rows := make([]store.Traffic, n)
		for i := range rows {
			rows[i] = store.Traffic{Sender: fmt.Sprintf(sender, i), Messages: 1, First: moment(1), Last: moment(1)}
		}
		must(t, c.AddTraffic(ctx, moment(0), rows...))
	}
	count := func(sender string) (messages, rows int64) {
		t.Helper()
		all, err := c.Traffic(ctx, 10*maxTraffic)
		must(t, err)
		for _, r := range all {
			if r.Sender == sender {
				messages = r.Messages
			}
		}
		return messages, int64(len(all))
	}
	add(1, "first@known.example%.0d")
	add(maxTraffic+500, "u%d@many.example")
	add(1, "first@known.example%.0d")
	if n, rows := count("@many.example"); n < 500 || rows > maxTraffic+1 {
		t.Errorf("%d messages by domain, %d rows", n, rows)
	}
	add(2*maxTraffic, "u@d%d.example")
	add(1, "first@known.example%.0d")
	if n, rows := count("first@known.example"); n != 3 || rows > 2*maxTraffic {
		t.Errorf("a known sender counts %d of 3, %d rows", n, rows)
	}
}
