package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/exchange"
	"offramp/store"
	"offramp/store/sqlite"
)

var testNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// world is jobs over a store of their own.
type world struct {
	*Jobs
	db     *sqlite.DB
	people *consent.Consent
}

func newWorld(t testing.TB, dir string) *world {
	t.Helper()
	w, err := openWorld(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	return w
}

func openWorld(ctx context.Context, dir string) (*world, error) {
	db, err := sqlite.Open(ctx, sqlite.Options{Dir: dir, PersonKey: bytes.Repeat([]byte("k"), 32)})
	if err != nil {
		return nil, err
	}
	now := func() time.Time { return testNow }
	c := db.Consent()
	people := &consent.Consent{Store: c, Records: c, Turns: c, Lists: c, Imports: c, Now: now}
	return &world{
		Jobs: &Jobs{Dir: filepath.Join(dir, "imports"), Store: c, People: people, Lists: c, Holder: "test", Now: now},
		db:   db, people: people,
	}, nil
}

// work runs until nothing more is to be done.
func (w *world) work(t testing.TB) {
	t.Helper()
	for {
		err := w.one(t.Context())
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil && !errors.Is(err, errTaken) {
			t.Fatal(err)
		}
	}
	if err := w.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) load(t testing.TB, text string, spec Spec) Job {
	t.Helper()
	job, err := w.Import(t.Context(), "admin", spec, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	w.work(t)
	return w.job(t, job.ID)
}

func (w *world) job(t testing.TB, id string) Job {
	t.Helper()
	job, err := w.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func (w *world) export(t testing.TB, e Export) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := e.Write(t.Context(), w.db.Consent(), testNow, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func (w *world) files(t testing.TB) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(w.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A file is checked, waits, and is recorded once somebody starts it; then its file is
// gone.
func TestImport(t *testing.T) {
	w := newWorld(t, t.TempDir())
	job := w.load(t, "email,list,reason,created_at,note\nada@example.org,news,unsubscribed,2024-01-02,\nben@example.org,,bounced,2024-01-03,550 no\n"+
		"ADA@example.org,news,unsubscribed,2023-01-02,\nx,,,,\n", Spec{Name: "people.csv"})
	r := job.Report
	if job.State != store.JobReady || job.Name != "people.csv" || r.Format != "csv" || r.Rows != 4 || r.Records != 2 || r.Faulty != 1 ||
		fmt.Sprint(r.Reasons) != "map[bounced:1 unsubscribed:1]" || fmt.Sprint(r.Lists) != "[news]" || fmt.Sprint(r.Faults) != "[{5 invalid mail address}]" {
		t.Fatalf("%+v", job)
	}
	if text := w.export(t, Export{Format: exchange.CSV}); strings.Count(text, "\n") != 1 {
		t.Errorf("recorded before it was started: %s", text)
	}
	if files := w.files(t); len(files) != 1 || !strings.HasSuffix(files[0], endSorted) {
		t.Errorf("%q", files)
	}
	if _, err := w.Start(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	w.work(t)
	job = w.job(t, job.ID)
	if job.State != store.JobDone || job.Tally != (store.Tally{Added: 2}) || job.Done != job.Total {
		t.Fatalf("%+v", job)
	}
	want := "email,list,reason,source,created_at,expires_at,note,event_id\n" +
		"ada@example.org,news,unsubscribed,import,2023-01-02T00:00:00Z,,,1\nben@example.org,,bounced,,2024-01-03T00:00:00Z,,550 no,2\n"
	if text := w.export(t, Export{Format: exchange.CSV}); text != want {
		t.Errorf("%s", text)
	}
	if files := w.files(t); len(files) > 0 {
		t.Errorf("%q", files)
	}
	if l, err := w.db.Consent().List(t.Context(), "news"); err != nil || l.Key == 0 {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := w.Pause(t.Context(), job.ID); !errors.Is(err, ErrState) {
		t.Errorf("a job that is done is paused: %v", err)
	}
}

// A file of SendGrid's unsubscribes stops list mail and no password reset; its bounces
// stop both.
func TestImportBlocksWhatItShould(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.load(t, "email,created\nleft@example.org,1719913285\n", Spec{Name: "suppression_unsubscribes.csv", Start: true})
	w.load(t, "status,reason,email,created\n5.1.1,550 no,dead@example.org,1719913285\n", Spec{Name: "suppression_bounces.csv", Start: true})
	w.people.Config.TransactionalDead = true
	for _, c := range []struct {
		who, list string
		want      store.Reason
	}{
		{"left@example.org", "news", store.ReasonUnsubscribedAll}, {"left@example.org", "", ""},
		{"dead@example.org", "news", store.ReasonBounced}, {"dead@example.org", "", store.ReasonBounced},
		{"else@example.org", "news", ""},
	} {
		to, err := envelope.Parse(c.who)
		if err != nil {
			t.Fatal(err)
		}
		v, err := w.people.Verdict(t.Context(), to, c.list)
		if err != nil || v.Reason != c.want || v.Drop != (c.want != "") {
			t.Errorf("%+v: %+v, %v", c, v, err)
		}
	}
}

// Who came back after the date of the file stays.
func TestImportKeepsWhoCameBack(t *testing.T) {
	w := newWorld(t, t.TempDir())
	to, err := envelope.Parse("ada@example.org")
	if err != nil {
		t.Fatal(err)
	}
	for _, come := range []bool{false, true} {
		change := w.people.OptOut
		if come {
			change = w.people.Resubscribe
		}
		if _, err := change(t.Context(), consent.Subject{Recipient: to, List: "news"}, store.Page, consent.Evidence{}); err != nil {
			t.Fatal(err)
		}
	}
	job := w.load(t, "email,created\nada@example.org,1719913285\n", Spec{List: "news", Start: true})
	if job.Tally != (store.Tally{Kept: 1}) {
		t.Errorf("%+v", job.Tally)
	}
}

// What is wrong with a whole file ends the job, and nothing of it is recorded.
func TestImportOfWhatIsNoFile(t *testing.T) {
	w := newWorld(t, t.TempDir())
	for text, want := range map[string]string{
		"email,active\na@example.org,no\n":             `line 1: unknown columns in a file of format csv: "active"`,
		"a@example.org,x,y\n":                          "line 1: several cells in a row and no header",
		"a@example.org\n" + strings.Repeat("x", 2<<20): "line 2: longer than 1 MiB",
		"\x00\x01\x02":                                 "line 1: NUL bytes",
	} {
		job := w.load(t, text, Spec{Start: true})
		if job.State != store.JobFailed || !strings.HasPrefix(job.Report.Error, want) {
			t.Errorf("%.40q: %+v", text, job)
		}
	}
	var lists strings.Builder
	lists.WriteString("email,list\n")
	for i := range maxLists + 1 {
		fmt.Fprintf(&lists, "a@example.org,l%d\n", i)
	}
	if job := w.load(t, lists.String(), Spec{Start: true}); !strings.Contains(job.Report.Error, "lists") {
		t.Errorf("%+v", job)
	}
	if text := w.export(t, Export{Format: exchange.CSV}); strings.Count(text, "\n") != 1 || len(w.files(t)) > 0 {
		t.Errorf("%s, %q", text, w.files(t))
	}
	w.MaxSize = 10
	if _, err := w.Import(t.Context(), "", Spec{}, strings.NewReader("12345678901")); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file over the limit: %v", err)
	}
	w.MaxSize, w.Room = 0, func(context.Context) (int64, int64, error) { return 1 << 20, 1 << 40, nil }
	if _, err := w.Import(t.Context(), "", Spec{}, strings.NewReader("a@example.org")); !errors.Is(err, ErrNoRoom) || len(w.files(t)) > 0 {
		t.Errorf("a file without room: %v, %q", err, w.files(t))
	}
}

// stopping ends a job from outside after some transactions.
type stopping struct {
	People
	after int
	stop  func()
}

func (s *stopping) Import(ctx context.Context, j store.FileJob, all []consent.Taken) (store.FileJob, error) {
	if s.after--; s.after == 0 {
		s.stop()
	}
	return s.People.Import(ctx, j, all)
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "person%d@example.org\n", i)
	}
	return b.String()
}

// A job that is paused goes on where it stopped; one that is cancelled, or that nobody
// resumes within a day, loses its file. What was recorded stays.
func TestPauseAndCancel(t *testing.T) {
	w := newWorld(t, t.TempDir())
	job := w.load(t, many(3000), Spec{})
	act := func(f func(context.Context, string) (Job, error)) {
		t.Helper()
		if _, err := f(t.Context(), job.ID); err != nil {
			t.Error(err)
		}
	}
	w.People = &stopping{w.people, 3, func() { act(w.Pause) }}
	act(w.Start)
	w.work(t)
	if job = w.job(t, job.ID); job.State != store.JobPaused || job.Tally.Added == 0 || job.Tally.Added >= 3000 || job.Done == 0 {
		t.Fatalf("%+v", job)
	}
	act(w.Pause)
	act(w.Start)
	w.work(t)
	if job = w.job(t, job.ID); job.State != store.JobDone || job.Tally != (store.Tally{Added: 3000}) {
		t.Errorf("%+v", job)
	}
	job = w.load(t, many(4000), Spec{})
	w.People = &stopping{w.people, 5, func() { act(w.Cancel) }}
	act(w.Start)
	w.work(t)
	if job = w.job(t, job.ID); job.State != store.JobCancelled || job.Tally.Same+job.Tally.Added >= 4000 || len(w.files(t)) > 0 {
		t.Errorf("%+v, %q", job, w.files(t))
	}
	if _, err := w.Start(t.Context(), job.ID); !errors.Is(err, ErrState) {
		t.Errorf("it is started again: %v", err)
	}
	w.People = w.people
	old := w.load(t, many(3), Spec{})
	w.Now = func() time.Time { return testNow.Add(waitAtMost + time.Second) }
	if err := os.WriteFile(filepath.Join(w.Dir, "nobody.upload"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.work(t)
	w.work(t)
	if old = w.job(t, old.ID); old.State != store.JobCancelled || len(w.files(t)) > 0 {
		t.Errorf("%+v, %q", old, w.files(t))
	}
}

// full has no room for what is recorded.
type full struct{ People }

func (full) Import(context.Context, store.FileJob, []consent.Taken) (store.FileJob, error) {
	return store.FileJob{}, store.ErrFull
}

// A job that found no room is paused and says so, until it goes on.
func TestFullIsSaidUntilItGoesOn(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.People = full{w.people}
	job := w.load(t, many(3), Spec{Start: true})
	if job.State != store.JobPaused || job.Report.Error == "" {
		t.Fatalf("%+v", job)
	}
	w.People = w.people
	if _, err := w.Start(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	w.work(t)
	if job = w.job(t, job.ID); job.State != store.JobDone || job.Report.Error != "" {
		t.Errorf("%+v", job)
	}
}

// ending is a context that ends after it was asked some times.
type ending struct {
	context.Context
	asked int
}

func (e *ending) Err() error {
	if e.asked--; e.asked < 0 {
		return context.Canceled
	}
	return nil
}

// A check ends with its context, also while it sorts: a stop does not wait for a
// large file.
func TestSortingEndsWithItsContext(t *testing.T) {
	w := newWorld(t, t.TempDir())
	const rows = 3 * lookRows
	job, err := w.Import(t.Context(), "admin", Spec{}, strings.NewReader(many(rows)))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.check(&ending{t.Context(), 4}, &job); !errors.Is(err, context.Canceled) || job.Report.Rows != rows || job.Report.Records >= rows {
		t.Errorf("%v after %d rows and %d records", err, job.Report.Rows, job.Report.Records)
	}
}

// An import stands back while others are served, and its transactions grow and shrink
// with the time they take.
func TestBreathe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Jobs{}
		begun := time.Now()
		if n := s.breathe(t.Context(), 500, batchTime); n != 500 {
			t.Error(n)
		}
		if n := s.breathe(t.Context(), 500, 2*batchTime); n >= 500 {
			t.Error(n)
		}
		if n := s.breathe(t.Context(), 500, batchTime/2); n <= 500 {
			t.Error(n)
		}
		if time.Since(begun) > 0 {
			t.Error("it waits for nobody")
		}
		s.Busy = func() bool { return true }
		if s.breathe(t.Context(), 500, batchTime); time.Since(begun) != batchTime {
			t.Errorf("it stands back for %s", time.Since(begun))
		}
	})
}

// racing has something happen after the jobs were read.
type racing struct {
	*sqlite.Consent
	then func()
}

func (r racing) Jobs(ctx context.Context) ([]store.FileJob, error) {
	all, err := r.Consent.Jobs(ctx)
	r.then()
	return all, err
}

// A file that comes while files are looked through is not taken for one that a crash
// left.
func TestSweepLeavesWhatComes(t *testing.T) {
	w := newWorld(t, t.TempDir())
	var job Job
	w.Store = racing{w.db.Consent(), func() {
		var err error
		if job, err = w.Import(t.Context(), "", Spec{}, strings.NewReader("a@example.org")); err != nil {
			t.Error(err)
		}
	}}
	if err := w.sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if files := w.files(t); len(files) != 1 || files[0] != job.ID+endUpload {
		t.Errorf("%q", files)
	}
	w.Store = w.db.Consent()
	if _, err := w.Import(t.Context(), "", Spec{}, &calling{strings.NewReader("b@example.org"), func() {
		if err := w.sweep(t.Context()); err != nil {
			t.Error(err)
		}
	}}); err != nil {
		t.Error(err)
	}
	if files := w.files(t); len(files) != 2 {
		t.Errorf("a file is removed while it is written: %q", files)
	}
}

// calling has something happen while it is read.
type calling struct {
	io.Reader
	then func()
}

func (c *calling) Read(p []byte) (int, error) {
	c.then()
	return c.Reader.Read(p)
}
