package ledger

import (
	"context"
	"testing"
	"time"

	"offramp/store"
)

// indexed is a ledger that finds by ID alone: by a time it would read all events
// since then.
type indexed struct {
	t    *testing.T
	want store.Event
}

func (l indexed) Entries(_ context.Context, after int64, limit int) ([]store.Entry, error) {
	if after != l.want.ID-1 || limit != 1 {
		l.t.Errorf("entries after %d, %d of them", after, limit)
	}
	return []store.Entry{{Event: l.want}}, nil
}

func (l indexed) OptOuts(_ context.Context, since time.Time, after int64, limit int) ([]store.OptOut, error) {
	if !since.IsZero() || after != l.want.ID-1 || limit != 1 {
		l.t.Errorf("opt-outs since %v after %d, %d of them", since, after, limit)
	}
	return []store.OptOut{{Event: l.want}}, nil
}

// A receipt costs two looks by ID, however long the ledger is.
func TestIssueAsksByID(t *testing.T) {
	want := one()
	e := store.Event{ID: want.Event, Time: want.Received, Kind: want.Kind, Recipient: want.Recipient, List: want.List, Way: want.Way}
	if _, err := signer(t, "offramp.example.org").Issue(t.Context(), indexed{t, e}, e); err != nil {
		t.Error(err)
	}
}
