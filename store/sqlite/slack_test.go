package sqlite

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"offramp/store"
)

// A page that becomes free and is used again in one transaction would keep what
// was in it behind what is in it by then, where no pass through free pages finds it.
func TestNothingIsLeftInPagesThatAreUsedAgain(t *testing.T) {
	for name, remove := range map[string]func(ctx context.Context, s *Spool) error{
		"forgotten": func(ctx context.Context, s *Spool) error {
			_, err := s.Forget(ctx, func(string) bool { return true })
			return err
		},
		"removed": func(ctx context.Context, s *Spool) error {
			_, err := s.Act(ctx, store.Remove, store.QueueFilter{})
			return err
		},
		"delivered": func(ctx context.Context, s *Spool) error {
			return s.Settle(ctx, store.Result{Recipient: recipientID(1, 0)}, store.Result{Recipient: recipientID(2, 0)})
		},
		"reported": func(ctx context.Context, s *Spool) error {
			return s.Report(ctx, &store.Bounce{Message: store.Message{ID: "bounce"}, Recipients: []store.Recipient{{Domain: "example.net"}}, Body: make([]byte, 300_000)},
				[]int64{recipientID(1, 0), recipientID(2, 0)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			dir := t.TempDir()
			db := openTest(t, Options{Dir: dir})
			s := db.Spool()
			mail(t, s, "G", goneWire)
			if name == "reported" {
				must(t, s.Settle(ctx, store.Result{Recipient: recipientID(1, 0), Kind: store.Bounced}, store.Result{Recipient: recipientID(2, 0), Kind: store.Bounced}))
			}
			release := busy(t, s.file.writer)
			waiting := func(n int) {
				for have := -1; have < n; {
					s.file.writer.mu.Lock()
					have = len(s.file.writer.waiting)
					s.file.writer.mu.Unlock()
				}
			}
			ended := make(chan error, 20)
			go func() { ended <- remove(ctx, s) }()
			waiting(1)
			const others = 12
			for i := range others {
				go func() { ended <- commitSize(s, fmt.Sprint("other", i), 9000+700*i) }()
			}
			waiting(1 + others)
			release()
			for range 1 + others {
				must(t, <-ended)
			}
			_, err := s.ForgetFates(ctx, gone)
			must(t, err)
			must(t, db.Consent().Scrub(ctx))
			scrubbed(t, db)
			if left := traces(t, dir); len(left) > 0 {
				t.Error(strings.Join(left, "\n"))
			}
		})
	}
}
