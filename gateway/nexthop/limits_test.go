package nexthop

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Several servers may have one name: of what they take the least is shown, once.
func TestLimitsByHost(t *testing.T) {
	l := &limits{now: func() time.Time { return time.Unix(0, 0) }, log: slog.New(slog.NewTextHandler(io.Discard, nil)), stats: &Stats{}}
	for address, n := range map[string]int{"192.0.2.1:25": 20, "192.0.2.2:25": 10, "192.0.2.3:25": 30} {
		l.peer(address, "mx.example").learnMessages(n)
	}
	l.peer("192.0.2.2:25", "mx.example").learnRecipients(7)
	l.peer("192.0.2.4:25", "silent.example")
	l.peer("192.0.2.5:25", "a.example").learnRecipients(5)
	want := []Limit{{Host: "a.example", Recipients: 5}, {Host: "mx.example", Messages: 10, Recipients: 7}}
	for range 20 { // in whatever order they are read
		if diff := cmp.Diff(want, l.all()); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	}
}
