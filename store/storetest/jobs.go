package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"offramp/store"
)

// withJobs is what an engine of jobs offers beside them.
type withJobs interface {
	store.Consent
	store.Jobs
}

// Jobs checks what store.Jobs promises, of an engine whose store.Consent has it too.
func Jobs(t *testing.T, newData func(t *testing.T) Data) {
	t.Helper()
	runAll(t, newData, []test{
		{"jobs", jobs},
		{"jobs are held", jobsHeld},
		{"jobs are bounded", jobsBounded},
		{"jobs of who was erased", jobsErased},
		{"import of choices", importChoices},
		{"import of suppressions", importSuppressions},
		{"import is whole or absent", importWhole},
		{"import of who was erased", importErased},
	})
}

func openJobs(t *testing.T, d Data) withJobs {
	t.Helper()
	c, _ := d.Open(t)
	return c.(withJobs)
}

func job(id string, second int) store.FileJob {
	return store.FileJob{
		ID: id, State: store.JobRunning, Created: at(second), Changed: at(second), Who: odd, Name: odd, Settings: []byte(odd), Report: []byte("r"),
		Total: 9, Done: 3,
	}
}

func keptJob(j store.FileJob) store.FileJob {
	j.Version, j.Created, j.Changed = 1, kept(j.Created), kept(j.Changed)
	return j
}

func jobs(t *testing.T, d Data) {
	ctx := context.Background()
	c := openJobs(t, d)
	if _, err := c.Job(ctx, "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no job: %v", err)
	}
	must(t, c.AddJob(ctx, job("a", 1)))
	must(t, c.AddJob(ctx, job("b", 2)))
	if err := c.AddJob(ctx, job("a", 3)); !errors.Is(err, store.ErrChanged) {
		t.Errorf("the same job again: %v", err)
	}
	c = openJobs(t, d)
	all, err := c.Jobs(ctx)
	must(t, err)
	same(t, "jobs", all, []store.FileJob{keptJob(job("b", 2)), keptJob(job("a", 1))})
	j, err := c.Job(ctx, "a")
	must(t, err)
	same(t, "job", j, all[1])
	j.State, j.Done, j.Report, j.Changed = store.JobDone, 9, nil, at(5)
	saved, err := c.SaveJob(ctx, j)
	must(t, err)
	j.Version, j.Changed = 2, kept(at(5))
	same(t, "saved", saved, j)
	j.Version = 1
	if _, err := c.SaveJob(ctx, j); !errors.Is(err, store.ErrChanged) {
		t.Errorf("an older version is saved: %v", err)
	}
	j.ID = "c"
	if _, err := c.SaveJob(ctx, j); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what is not there is saved: %v", err)
	}
}

// A job has one holder until its time is over.
func jobsHeld(t *testing.T, d Data) {
	ctx := context.Background()
	c := openJobs(t, d)
	take := func(holder string, now, until int, want string) store.FileJob {
		t.Helper()
		j, err := c.TakeJob(ctx, holder, at(now), at(until))
		if want == "" && !errors.Is(err, store.ErrNotFound) || want != "" && (err != nil || j.ID != want || j.Holder != holder || !j.Until.Equal(kept(at(until)))) {
			t.Fatalf("%s takes %+v, %v; want %q", holder, j, err, want)
		}
		return j
	}
	take("x", 1, 9, "")
	for i, state := range []store.JobState{store.JobReady, store.JobPaused, store.JobDone, store.JobFailed, store.JobCancelled} {
		j := job(string(state), i)
		j.State = state
		must(t, c.AddJob(ctx, j))
	}
	take("x", 10, 20, "")
	must(t, c.AddJob(ctx, job("late", 8)))
	early := job("early", 7)
	early.State = store.JobChecking
	must(t, c.AddJob(ctx, early))
	take("x", 10, 20, "early")
	take("y", 11, 21, "late")
	take("z", 12, 22, "")
	take("y", 13, 23, "late")
	j := take("z", 20, 30, "early")
	stale := j
	stale.Version--
	if _, err := c.SaveJob(ctx, stale); !errors.Is(err, store.ErrChanged) {
		t.Errorf("who lost a job saves it: %v", err)
	}
	j.State = store.JobDone
	_, err := c.SaveJob(ctx, j)
	must(t, err)
	take("z", 22, 32, "")
	take("z", 23, 33, "late")
}

func jobsBounded(t *testing.T, d Data) {
	ctx := context.Background()
	c := openJobs(t, d)
	for i := range store.MaxJobs {
		j := job(fmt.Sprint("j", i), i%60)
		must(t, c.AddJob(ctx, j))
	}
	if err := c.AddJob(ctx, job("more", 1)); !errors.Is(err, store.ErrFull) {
		t.Errorf("one more than there may be: %v", err)
	}
	for second, id := range []string{"j7", "j5"} {
		j, err := c.Job(ctx, id)
		must(t, err)
		j.State, j.Changed = store.JobDone, at(50-second)
		_, err = c.SaveJob(ctx, j)
		must(t, err)
	}
	must(t, c.AddJob(ctx, job("more", 1)))
	if _, err := c.Job(ctx, "j5"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the job that ended first stays: %v", err)
	}
	if _, err := c.Job(ctx, "j7"); err != nil {
		t.Error(err)
	}
}

// The name of a file can be somebody's address.
func jobsErased(t *testing.T, d Data) {
	ctx := context.Background()
	c := openJobs(t, d)
	j := job("a", 1)
	j.Name = "only Ada@x.example.csv"
	must(t, c.AddJob(ctx, j))
	must(t, c.AddJob(ctx, job("b", 2)))
	must(t, c.Erase(ctx, "ada@x.example", store.Event{Time: at(40), Kind: store.EventErased, Way: store.Page}))
	a, err := c.Job(ctx, "a")
	must(t, err)
	b, err := c.Job(ctx, "b")
	must(t, err)
	if a.Name != "" || b.Name != odd {
		t.Errorf("%q, %q", a.Name, b.Name)
	}
}

// run imports rows with a job of its own.
func run(t *testing.T, c withJobs, rows ...store.ImportRow) store.Tally {
	t.Helper()
	ctx := context.Background()
	all, err := c.Jobs(ctx)
	must(t, err)
	id := fmt.Sprint("run", len(all))
	must(t, c.AddJob(ctx, job(id, 1)))
	j, err := c.Job(ctx, id)
	must(t, err)
	j.Done = 9
	j, err = c.Import(ctx, j, rows)
	must(t, err)
	recorded, err := c.Job(ctx, id)
	must(t, err)
	same(t, "job of an import", recorded, j)
	if j.Done != 9 || j.Version != 2 {
		t.Errorf("progress was not recorded: %+v", j)
	}
	return j.Tally
}

func leaves(who string, second int) store.ImportRow {
	e := event(store.EventUnsubscribed, who)
	e.Time, e.Way, e.Reason = at(50), store.Imported, store.ReasonUnsubscribed
	return store.ImportRow{
		Choice: store.Choice{Recipient: who, List: "l.example", State: store.Unsubscribed, Since: at(second), Way: store.Imported}, Event: e,
	}
}

func pauses(who string, second, until int) store.ImportRow {
	r := leaves(who, second)
	r.Choice.State, r.Choice.Until = store.Paused, at(until)
	r.Event.Kind = store.EventPaused
	return r
}

func importChoices(t *testing.T, d Data) {
	ctx := context.Background()
	c := openJobs(t, d)
	choose := func(who string, state store.State, second int, until time.Time, every store.Frequency) {
		t.Helper()
		ch := store.Choice{Recipient: who, List: "l.example", State: state, Since: at(second), Until: until, Every: every, Way: store.Page}
		_, err := setChoice(ctx, c, ch, event(store.EventResubscribed, who))
		must(t, err)
	}
	none := time.Time{}
	for _, step := range []struct {
		name  string
		have  func(who string)
		row   func(who string) store.ImportRow
		tally store.Tally
		state store.State
		since int
	}{
		{"nobody", nil, func(w string) store.ImportRow { return leaves(w, 5) }, store.Tally{Added: 1}, store.Unsubscribed, 5},
		{"left later", func(w string) { choose(w, store.Unsubscribed, 9, none, "") }, func(w string) store.ImportRow { return leaves(w, 5) }, store.Tally{Dated: 1}, store.Unsubscribed, 5},
		{"left before", func(w string) { choose(w, store.Unsubscribed, 3, none, "") }, func(w string) store.ImportRow { return leaves(w, 5) }, store.Tally{Same: 1}, store.Unsubscribed, 3},
		{"came back", func(w string) { choose(w, store.Subscribed, 9, none, "") }, func(w string) store.ImportRow { return leaves(w, 5) }, store.Tally{Kept: 1}, store.Subscribed, 9},
		{"came back before", func(w string) { choose(w, store.Subscribed, 3, none, "") }, func(w string) store.ImportRow { return leaves(w, 5) }, store.Tally{Added: 1}, store.Unsubscribed, 5},
		{"limits it since", func(w string) { choose(w, store.Limited, 9, none, store.Weekly) }, func(w string) store.ImportRow { return leaves(w, 5) }, store.Tally{Kept: 1}, store.Limited, 9},
		{"paused before", func(w string) { choose(w, store.Paused, 3, at(59), "") }, func(w string) store.ImportRow { return leaves(w, 5) }, store.Tally{Added: 1}, store.Unsubscribed, 5},
		{"pause of an opt-out", func(w string) { choose(w, store.Unsubscribed, 3, none, "") }, func(w string) store.ImportRow { return pauses(w, 5, 55) }, store.Tally{Same: 1}, store.Unsubscribed, 3},
		{"longer pause", func(w string) { choose(w, store.Paused, 3, at(52), "") }, func(w string) store.ImportRow { return pauses(w, 5, 55) }, store.Tally{Added: 1}, store.Paused, 5},
		{"shorter pause", func(w string) { choose(w, store.Paused, 3, at(58), "") }, func(w string) store.ImportRow { return pauses(w, 5, 55) }, store.Tally{Same: 1}, store.Paused, 3},
		{"pause of a limit", func(w string) { choose(w, store.Limited, 3, none, store.Weekly) }, func(w string) store.ImportRow { return pauses(w, 5, 55) }, store.Tally{Added: 1}, store.Paused, 5},
	} {
		who := step.name + "@x.example"
		if step.have != nil {
			step.have(who)
		}
		before, err := c.Events(ctx, store.EventFilter{Recipient: who})
		must(t, err)
		same(t, step.name, run(t, c, step.row(who)), step.tally)
		p, err := c.Person(ctx, who)
		must(t, err)
		if len(p.Choices) != 1 || p.Choices[0].State != step.state || !p.Choices[0].Since.Equal(kept(at(step.since))) {
			t.Errorf("%s: %+v", step.name, p.Choices)
		}
		if step.name == "pause of a limit" && p.Choices[0].Every != store.Weekly {
			t.Errorf("the limit is forgotten: %+v", p.Choices)
		}
		after, err := c.Events(ctx, store.EventFilter{Recipient: who})
		must(t, err)
		if int64(len(after)-len(before)) != step.tally.Added {
			t.Errorf("%s: %d events before, %d after", step.name, len(before), len(after))
		}
		tally := run(t, c, step.row(who))
		if tally.Added+tally.Dated > 0 {
			t.Errorf("%s again: %+v", step.name, tally)
		}
	}
	_, err := verify(t, c, nil)
	must(t, err)
}

func stops(who string, reason store.Reason, second int, until time.Time) store.ImportRow {
	e := event(store.EventSuppressed, who)
	e.Time, e.Way, e.Reason = at(50), store.Imported, reason
	return store.ImportRow{
		Suppression: store.Suppression{Recipient: who, List: "l.example", Reason: reason, Since: at(second), Note: "imported", Until: until}, Event: e,
	}
}

func importSuppressions(t *testing.T, d Data) {
	ctx := context.Background()
	c := openJobs(t, d)
	none := time.Time{}
	have := func(who string, second int, until time.Time) {
		t.Helper()
		r := stops(who, store.ReasonManual, second, until)
		r.Suppression.Note = "had"
		_, err := c.Suppress(ctx, r.Suppression, r.Event)
		must(t, err)
	}
	for _, step := range []struct {
		name  string
		have  func(who string)
		until time.Time
		tally store.Tally
		since int
		note  string
	}{
		{"nobody", nil, none, store.Tally{Added: 1}, 5, "imported"},
		{"later", func(w string) { have(w, 9, none) }, none, store.Tally{Dated: 1}, 5, "had"},
		{"before", func(w string) { have(w, 3, none) }, none, store.Tally{Same: 1}, 3, "had"},
		{"for longer", func(w string) { have(w, 3, none) }, at(59), store.Tally{Same: 1}, 3, "had"},
		{"for less", func(w string) { have(w, 9, at(55)) }, at(59), store.Tally{Added: 1}, 5, "had"},
		{"ended", func(w string) { have(w, 3, at(40)) }, none, store.Tally{Added: 1}, 5, "imported"},
	} {
		who := step.name + "@x.example"
		if step.have != nil {
			step.have(who)
		}
		same(t, step.name, run(t, c, stops(who, store.ReasonManual, 5, step.until)), step.tally)
		p, err := c.Person(ctx, who)
		must(t, err)
		if len(p.Suppressions) != 1 || !p.Suppressions[0].Since.Equal(kept(at(step.since))) || p.Suppressions[0].Note != step.note {
			t.Errorf("%s: %+v", step.name, p.Suppressions)
		}
	}
	// Two rows of one person, who is new, and the same again.
	both := []store.ImportRow{stops("two@x.example", store.ReasonBounced, 5, none), stops("two@x.example", store.ReasonComplained, 6, none), stops("two@x.example", store.ReasonBounced, 4, none)}
	same(t, "two reasons", run(t, c, both...), store.Tally{Added: 2, Dated: 1})
	same(t, "two reasons again", run(t, c, both...), store.Tally{Same: 3})
	// Who came back after a complaint stays; whose address is dead does not come back by that.
	ch := store.Choice{Recipient: "back@x.example", List: "l.example", State: store.Subscribed, Since: at(9), Way: store.Page}
	_, err := setChoice(ctx, c, ch, event(store.EventResubscribed, ch.Recipient))
	must(t, err)
	same(t, "came back", run(t, c, stops(ch.Recipient, store.ReasonComplained, 5, none), stops(ch.Recipient, store.ReasonBounced, 5, none)), store.Tally{Kept: 1, Added: 1})
	same(t, "complained since", run(t, c, stops(ch.Recipient, store.ReasonComplained, 12, none)), store.Tally{Added: 1})
	same(t, "a pattern", run(t, c, stops("@closed.example", store.ReasonManual, 5, none)), store.Tally{Added: 1})
	st, err := c.Standing(ctx, "anybody@closed.example", "l.example")
	must(t, err)
	if len(st.Suppressions) != 1 {
		t.Errorf("the pattern stops nobody: %+v", st)
	}
	_, err = verify(t, c, nil)
	must(t, err)
}

// Rows and progress are one: of a job that somebody else changed nothing is recorded.
func importWhole(t *testing.T, d Data) {
	ctx := context.Background()
	c := openJobs(t, d)
	must(t, c.AddJob(ctx, job("a", 1)))
	j, err := c.Job(ctx, "a")
	must(t, err)
	paused := j
	paused.State = store.JobPaused
	_, err = c.SaveJob(ctx, paused)
	must(t, err)
	j.Done = 7
	if _, err = c.Import(ctx, j, []store.ImportRow{leaves("p@x.example", 5)}); !errors.Is(err, store.ErrChanged) {
		t.Errorf("a job that was paused goes on: %v", err)
	}
	j.ID = "b"
	if _, err = c.Import(ctx, j, []store.ImportRow{leaves("p@x.example", 5)}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a job that is not there: %v", err)
	}
	p, err := c.Person(ctx, "p@x.example")
	must(t, err)
	now, err := c.Job(ctx, "a")
	must(t, err)
	if len(p.Choices) > 0 || now.Done != 3 {
		t.Errorf("recorded all the same: %+v, %+v", p, now)
	}
}

// Who was erased stays so, and is stopped under the hash.
func importErased(t *testing.T, d Data) {
	ctx := context.Background()
	c := openJobs(t, d)
	must(t, c.Erase(ctx, "p@x.example", store.Event{Time: at(40), Kind: store.EventErased, Way: store.Page}))
	same(t, "erased", run(t, c, leaves("p@x.example", 5), stops("p@x.example", store.ReasonBounced, 5, time.Time{})), store.Tally{Added: 2})
	all, err := c.Suppressions(ctx, store.RecordFilter{})
	must(t, err)
	if len(all) != 1 || all[0].Recipient != c.Hash("p@x.example") || all[0].Note != "" {
		t.Errorf("%+v", all)
	}
}
