package ledger

import (
	"context"
	"fmt"
	"time"

	"offramp/store"
)

// ReceiptSource has the events that receipts are of; see [store.Consent].
type ReceiptSource interface {
	Entries(ctx context.Context, after int64, limit int) ([]store.Entry, error)
	OptOuts(ctx context.Context, since time.Time, after int64, limit int) ([]store.OptOut, error)
}

// Issue returns the receipt of an opt-out that is in the ledger, signed. An
// event that was emptied meanwhile, or is not an opt-out, is
// store.ErrChanged.
func (s *Signer) Issue(ctx context.Context, l ReceiptSource, e store.Event) ([]byte, error) {
	entries, err := l.Entries(ctx, e.ID-1, 1)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	optOuts, err := l.OptOuts(ctx, time.Time{}, e.ID-1, 1) // without a time: the ID alone finds it at once
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	if len(entries) == 0 || len(optOuts) == 0 || entries[0].Event.ID != e.ID || optOuts[0].Event.ID != e.ID {
		return nil, fmt.Errorf("receipt of event %d: %w", e.ID, store.ErrChanged)
	}
	return s.Sign(ReceiptOf(optOuts[0], entries[0].Link))
}
