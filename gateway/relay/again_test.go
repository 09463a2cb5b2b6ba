package relay

import (
	"strings"
	"testing"

	"offramp/store"
)

// A recipient that is named twice counts once, kept or dropped, with what was said
// of it first.
func TestARecipientNamedAgainIsOne(t *testing.T) {
	f := &fake{verdicts: map[string]store.Reason{"anna@d.example": store.ReasonUnsubscribed}}
	r := newRelay(f)
	e := letter(t, "a@b.example", "anna@d.example", "Bob@d.example", "Bob@D.example", "anna@D.example", "Bob@d.example")
	e.Recipients[1].Notify, e.Recipients[2].Notify = "NEVER", "SUCCESS"
	receipt, err := r.Accept(t.Context(), client, e, strings.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	if receipt.Accepted != 1 || receipt.Dropped != 1 || len(f.asked) != 2 || len(f.events) != 1 {
		t.Errorf("%+v, %d verdicts, %d events", receipt, len(f.asked), len(f.events))
	}
	if got := f.commits[0].recipients; len(got) != 1 || got[0].Address != "Bob@d.example" || got[0].Notify != "NEVER" {
		t.Errorf("kept %+v", got)
	}
}
