package sqlite

import (
	"context"
	"fmt"
	"testing"

	"offramp/store"
)

// imported imports rows with a job of its own.
func imported(t *testing.T, c *Consent, rows ...store.ImportRow) store.Tally {
	t.Helper()
	ctx := context.Background()
	all, err := c.Jobs(ctx)
	must(t, err)
	id := fmt.Sprint("j", len(all))
	must(t, c.AddJob(ctx, store.FileJob{ID: id, State: store.JobRunning, Created: moment(0), Changed: moment(0)}))
	j, err := c.Job(ctx, id)
	must(t, err)
	j, err = c.Import(ctx, j, rows)
	must(t, err)
	return j.Tally
}

// importAll imports suppressions of people.
func importAll(t *testing.T, c *Consent, people ...string) store.Tally {
	t.Helper()
	var rows []store.ImportRow
	for i, who := range people {
		reason := []store.Reason{store.ReasonBounced, store.ReasonManual}[i%2]
		e := store.Event{Time: moment(2), Kind: store.EventSuppressed, Recipient: who, Reason: reason, Way: store.Imported}
		if i%3 == 0 {
			e.Kind = store.EventUnsubscribed
			rows = append(rows, store.ImportRow{Choice: store.Choice{Recipient: who, State: store.Unsubscribed, Since: moment(1), Way: store.Imported}, Event: e})
			continue
		}
		rows = append(rows, store.ImportRow{Suppression: store.Suppression{Recipient: who, Reason: reason, Since: moment(1)}, Event: e})
	}
	return imported(t, c, rows...)
}

func verified(t *testing.T, c *Consent, what string) {
	t.Helper()
	must(t, c.verify(context.Background()))
	if i := c.Integrity(); i.Damage != "" || i.Found > 0 {
		t.Errorf("%s: %+v", what, i)
	}
}

// An import that reads nothing first, since the filter knows of nobody, leaves rows and
// guards that verify; also where the filter is wrong, and where a name has several rows
// in one transaction.
func TestImportWithoutReading(t *testing.T) {
	c := openTest(t, Options{Dir: t.TempDir()}).Consent()
	must(t, c.Verified(context.Background()))
	var people []string
	for i := range 300 {
		people = append(people, fmt.Sprintf("p%d@x.example", i/2)) // two rows each
	}
	if tally := importAll(t, c, people...); tally != (store.Tally{Added: 300}) {
		t.Fatalf("%+v", tally)
	}
	verified(t, c, "new people")
	if c.unheard("p0@x.example") || !c.unheard("stranger@x.example") {
		t.Error("the filter does not know who was imported")
	}
	// A filter that knows of nobody: rows and guards that are there must be found all
	// the same.
	sure := *c.guards.certain.Load()
	sure.filter = newFilter(1)
	c.guards.certain.Store(&sure)
	if tally := importAll(t, c, append(people, "new@x.example")...); tally != (store.Tally{Added: 1, Same: 300}) {
		t.Fatalf("%+v", tally)
	}
	verified(t, c, "a filter that is empty")
	// A name with rows of another table has a guard already.
	sure = *c.guards.certain.Load()
	sure.filter = newFilter(1)
	c.guards.certain.Store(&sure)
	if tally := importAll(t, c, "p1@x.example", "p2@x.example", "p3@x.example", "p4@x.example"); tally.Added+tally.Same != 4 || tally.Added == 0 {
		t.Fatalf("%+v", tally)
	}
	verified(t, c, "another row of a name")
}

// Where records are damaged nothing is taken for certain.
func TestImportOverDamage(t *testing.T) {
	c := damaged(t, nil, "DELETE FROM choices WHERE recipient = 'person00@example.net'")
	if c.unheard("stranger@x.example") {
		t.Error("somebody is certainly unknown where records are lost")
	}
	before := c.Integrity()
	if tally := importAll(t, c, "person00@example.net", "x@x.example"); tally.Added != 2 {
		t.Errorf("%+v", tally)
	}
	must(t, c.verify(context.Background()))
	if after := c.Integrity(); after.Damage == "" || before.Damage == "" {
		t.Errorf("an import hides damage: %+v, %+v", before, after)
	}
}

// A pause that is imported does not replace a damaged choice: that may have been an
// opt-out, and after the pause there would be mail.
func TestImportedPauseOverDamage(t *testing.T) {
	const who = "person02@example.net"
	c := damaged(t, nil, "UPDATE choices SET state = 'subscribed' WHERE recipient = '"+who+"'")
	have, err := c.Choices(context.Background(), store.RecordFilter{Recipient: who})
	must(t, err)
	pause := store.Choice{Recipient: who, List: have[0].List, State: store.Paused, Until: moment(100), Since: moment(1), Way: store.Imported}
	event := store.Event{Time: moment(2), Kind: store.EventPaused, Recipient: who, List: pause.List, Way: store.Imported}
	if tally := imported(t, c, store.ImportRow{Choice: pause, Event: event}); tally != (store.Tally{Same: 1}) {
		t.Errorf("%+v", tally)
	}
	must(t, c.verify(context.Background()))
	if c.Integrity().Damage == "" {
		t.Error("the damage is covered up")
	}
}
