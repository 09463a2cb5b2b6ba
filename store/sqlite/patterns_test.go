package sqlite

import (
	"context"
	"testing"

	"offramp/store"
)

// Who reads beside a server sees the patterns that the server adds meanwhile.
func TestPatternsBesideAServer(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	beside, err := Open(ctx, Options{Dir: dir, PersonKey: testKey, ReadOnly: true})
	must(t, err)
	t.Cleanup(func() { must(t, beside.Close()) })
	s := store.Suppression{Recipient: "@x.example", Reason: store.ReasonManual, Since: moment(1)}
	changed, err := db.Consent().Suppress(ctx, s, store.Event{Time: moment(1), Kind: store.EventSuppressed, Recipient: s.Recipient})
	must(t, err)
	st, err := beside.Consent().Standing(ctx, "p@x.example", "l.example")
	must(t, err)
	if !changed || len(st.Suppressions) != 1 {
		t.Errorf("%v, %+v", changed, st)
	}
}
