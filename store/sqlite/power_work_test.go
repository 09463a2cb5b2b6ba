package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/store"
	"offramp/store/powerloss"
)

const (
	powerWorkers  = 4  // so that commits are shared
	powerSubjects = 10 // messages and people of each worker in a session
)

// powerWork is the load that the power fails under.
type powerWork struct {
	dir      string
	seed     uint64
	sessions int // opened, worked with and closed again
	each     int // operations of one worker in a session

	// Defects, to see that they are found:
	hurt       map[string]string // statement for the connection that writes a file
	early      bool              // operations are answered before they are done
	unscrubbed bool              // what was erased is not overwritten
}

// record runs the load and returns what happened on the disk and what was
// promised in between.
func (w powerWork) record(t *testing.T) []powerloss.Step {
	t.Helper()
	r, err := powerloss.Record(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	for session := range w.sessions {
		failed = errors.Join(failed, w.session(r, session))
	}
	steps, err := r.Stop()
	if err := errors.Join(failed, err); err != nil {
		t.Fatal(err)
	}
	return steps
}

// session opens the store, has all workers work, and closes it.
func (w powerWork) session(r *powerloss.Recorder, session int) (err error) {
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: w.dir, PersonKey: testKey})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.spool.file.openRaw = func(path string) (rawFile, error) {
		f, err := openRaw(path)
		return recorded{f, r}, err
	}
	for _, f := range []*file{db.consent.file, db.spool.file} {
		if err := f.alone(ctx, func(c *conn) error {
			f.writer.checkpointPages = 40 // often enough for a short load
			return c.pragma(w.hurt[filepath.Base(f.path)])
		}); err != nil {
			return err
		}
	}
	errs := make([]error, powerWorkers)
	var all sync.WaitGroup
	for n := range errs {
		all.Go(func() {
			worker := powerWorker{
				powerWork: w, db: db, note: r.Note, name: fmt.Sprintf("%d-%d", session, n),
				random: rand.New(rand.NewPCG(w.seed, uint64(session*powerWorkers+n))),
			}
			errs[n] = worker.run(ctx)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// recorded takes down what is written past SQLite. A sync is taken down before
// it is made: it makes durable what was written before it began.
type recorded struct {
	rawFile
	r *powerloss.Recorder
}

func (f recorded) WriteAt(b []byte, at int64) (int, error) {
	f.r.Past(powerloss.Step{Kind: powerloss.Write, File: spoolFile, Data: bytes.Clone(b), At: at})
	return f.rawFile.WriteAt(b, at)
}

func (f recorded) Sync() error {
	f.r.Past(powerloss.Step{Kind: powerloss.Sync, File: spoolFile})
	return f.rawFile.Sync()
}

// powerWorker asks for one thing after the other, of messages and people that
// are its own.
type powerWorker struct {
	powerWork
	db     *DB
	note   func(any)
	name   string
	random *rand.Rand
	put    int // messages
}

func (w *powerWorker) run(ctx context.Context) error {
	for range w.each {
		var err error
		switch n := w.random.IntN(10); {
		case n < 3 && w.put < powerSubjects:
			w.put++
			err = w.message(ctx, fmt.Sprintf("q%s-%d", w.name, w.put), powerOp{do: "put", n: 1 + w.random.IntN(3), size: w.size()})
		case n < 5 && w.put > 0:
			kind := []store.ResultKind{store.Delivered, store.Delivered, store.Dropped, store.Deferred, store.Bounced, store.Parked}[w.random.IntN(6)]
			err = w.message(ctx, fmt.Sprintf("q%s-%d", w.name, 1+w.random.IntN(w.put)), powerOp{do: "settle", n: w.random.IntN(3), kind: kind})
		default:
			err = w.person(ctx, fmt.Sprintf("p%s-%d@example.net", w.name, w.random.IntN(powerSubjects)), w.wish())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// size is mostly small; some bodies are written before their commit.
func (w *powerWorker) size() int {
	if w.random.IntN(20) == 0 {
		return chunkSize + w.random.IntN(20_000)
	}
	return w.random.IntN(6_000)
}

func (w *powerWorker) wish() powerOp {
	list := []string{store.AllLists, "news.example.com"}[w.random.IntN(2)]
	switch n := w.random.IntN(16); {
	case n < 7:
		return powerOp{do: "choose", list: list, state: store.Unsubscribed}
	case n < 10:
		return powerOp{do: "choose", list: list, state: store.Subscribed}
	case n < 12:
		return powerOp{do: "suppress"}
	case n < 13:
		return powerOp{do: "lift"}
	case n < 14:
		return powerOp{do: "note"}
	case n < 15:
		return powerOp{do: "code"}
	}
	return powerOp{do: "erase"}
}

// ask does one thing and notes when it was asked for and answered.
func (w *powerWorker) ask(about string, o powerOp, do func() error) error {
	w.note(powerNote{about: about, op: &o})
	if w.early {
		w.note(powerNote{about: about})
	}
	if err := do(); err != nil {
		return fmt.Errorf("%s %s: %w", o.do, about, err)
	}
	if !w.early {
		w.note(powerNote{about: about})
	}
	return nil
}

func (w *powerWorker) message(ctx context.Context, id string, o powerOp) error {
	s := w.db.Spool()
	return w.ask(id, o, func() error {
		if o.do == "put" {
			return powerPut(ctx, s, id, o)
		}
		entries, err := s.Queue(ctx, store.QueueFilter{ID: id})
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, r := range entries[0].Recipients {
			if _, n := splitID(r.ID); int(n) == o.n {
				return s.Settle(ctx, store.Result{Recipient: r.ID, Kind: o.kind, Next: r.Next})
			}
		}
		return nil
	})
}

// powerDue is when all mail is due.
var powerDue = time.Unix(1_800_000_000, 0)

func powerPut(ctx context.Context, s *Spool, id string, o powerOp) error {
	d, err := s.Create(ctx)
	if err != nil {
		return err
	}
	defer d.Abort()
	if _, err := d.Write([]byte(powerBody(id, o.size))); err != nil {
		return err
	}
	var to []store.Recipient
	for n := range o.n {
		to = append(to, store.Recipient{Address: fmt.Sprintf("r%d@example.net", n), Domain: "example.net", Next: powerDue})
	}
	return d.Commit(ctx, &store.Message{ID: id, Received: powerDue, List: "news.example.com"}, to)
}

// powerBody is the body of a message, which the check knows too.
func powerBody(id string, size int) string {
	return strings.Repeat(id+"\n", size/(len(id)+1))
}

func (w *powerWorker) person(ctx context.Context, key string, o powerOp) error {
	s := w.db.Consent()
	event := func(k store.EventKind) store.Event {
		return store.Event{Time: powerDue, Kind: k, Recipient: key, List: o.list}
	}
	manual := store.Suppression{Recipient: key, Reason: store.ReasonManual}
	return w.ask(key, o, func() (err error) {
		switch o.do {
		case "choose":
			_, err = s.Decide(ctx, store.Change{Choices: []store.ChoiceChange{{
				Choice: store.Choice{Recipient: key, List: o.list, State: o.state}, Event: event(recordOf[o.state]),
			}}})
		case "suppress":
			_, err = s.Suppress(ctx, manual, event(store.EventSuppressed))
		case "lift":
			_, err = s.Unsuppress(ctx, manual, event(store.EventUnsuppressed))
		case "note":
			err = s.AddEvents(ctx, event(store.EventReason))
		case "code":
			_, err = s.KeepCode(ctx, store.Code{ID: powerCode(key), Recipient: key, Address: key})
		case "erase":
			if err = s.Erase(ctx, key, event(store.EventErased)); err == nil && !w.unscrubbed {
				err = s.Scrub(ctx)
				w.db.scrub.running <- struct{}{}
				err = errors.Join(err, w.db.scrub.work(ctx))
				<-w.db.scrub.running
			}
		}
		return err
	})
}

// powerCode is the code in mail to a person.
func powerCode(key string) (code [16]byte) {
	sum := sha256.Sum256([]byte(key))
	copy(code[:], sum[:])
	return code
}
