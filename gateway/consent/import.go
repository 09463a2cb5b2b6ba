package consent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"offramp/store"
)

// Imports records what is taken over from files; see [store.Jobs].
type Imports interface {
	Import(ctx context.Context, j store.FileJob, rows []store.ImportRow) (store.FileJob, error)
}

// Taken is one record that is taken over from another system: a person's own choice
// to leave or to pause, or a suppression.
type Taken struct {
	Recipient string // lookup key, or the key of a pattern
	List      string // canonical identifier, or store.AllLists
	Reason    store.Reason
	Since     time.Time // when it was made there
	Until     time.Time // of a pause, and of a suppression that ends by itself
	Note      string    // of a suppression; of a choice it is kept with the event alone
	Way       store.Way // how a choice was made, where that is known
}

// Import records what is taken over together with the progress of its job, all of it
// or nothing, as [store.Jobs] says. It does not wait for attempts that began before:
// [Consent.Imported] does, once for the whole job.
func (c *Consent) Import(ctx context.Context, j store.FileJob, all []Taken) (store.FileJob, error) {
	rows := make([]store.ImportRow, len(all))
	e := c.eventOf("", "", store.Imported, Evidence{Who: j.Who})
	for i := range all {
		if err := all[i].row(e, &rows[i]); err != nil {
			return j, err
		}
	}
	saved, err := c.Imports.Import(ctx, j, rows)
	if err != nil {
		return saved, fmt.Errorf("import: %w", err)
	}
	return saved, nil
}

// Imported waits until everything that was imported is in force: until every attempt
// has sent MAIL that may have begun before it was recorded.
func (c *Consent) Imported(ctx context.Context) error { return c.settleAll(ctx, "import") }

// knownWays are how a choice can have been made, by another Offramp.
var knownWays = []store.Way{store.OneClick, store.Page, store.Confirmed, store.Mail, store.Operator, store.Hook, store.Imported}

// row makes a row of the record; e holds what all events share.
func (t *Taken) row(e store.Event, row *store.ImportRow) error {
	e.Recipient, e.List, e.Reason, e.Detail = t.Recipient, t.List, t.Reason, cut(t.Note, maxDetail)
	switch t.Reason {
	case store.ReasonUnsubscribed, store.ReasonUnsubscribedAll, store.ReasonPaused, store.ReasonPausedAll:
		row.Choice = store.Choice{Recipient: t.Recipient, List: t.List, State: store.Unsubscribed, Since: t.Since, Way: store.Imported}
		if slices.Contains(knownWays, t.Way) {
			row.Choice.Way = t.Way
		}
		e.Kind, e.Reason = store.EventUnsubscribed, scoped(t.List, store.ReasonUnsubscribed, store.ReasonUnsubscribedAll)
		if !t.Until.IsZero() {
			row.Choice.State, row.Choice.Until = store.Paused, t.Until
			e.Kind, e.Reason = store.EventPaused, scoped(t.List, store.ReasonPaused, store.ReasonPausedAll)
			e.Detail = "until " + t.Until.Format(time.RFC3339)
		}
	case store.ReasonManual, store.ReasonBounced, store.ReasonComplained:
		row.Suppression = store.Suppression{
			Recipient: t.Recipient, List: t.List, Reason: t.Reason, Since: t.Since, Note: e.Detail, Until: t.Until,
		}
		e.Kind = store.EventSuppressed
	default:
		return fmt.Errorf("%w: %q", ErrReason, t.Reason)
	}
	row.Event = e
	return nil
}
