package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	chain "offramp/gateway/ledger"
	"offramp/store"
)

// checkPower writes files into dir, as a loss of power left them, opens the
// store on them and compares what it says with what was promised.
func checkPower(dir string, files map[string][]byte, promised powerPromises) (err error) {
	if err := powerErased(files, promised); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for name, contents := range files {
		if err := os.WriteFile(filepath.Join(dir, name), contents, 0o600); err != nil {
			return err
		}
	}
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: dir, PersonKey: testKey})
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for what, check := range map[string]func(context.Context, *DB, powerPromises) error{
		"files": powerFiles, "ledger": powerLedger, "queue": powerQueue, "leases": powerLeases, "people": powerPeople, "history": powerHistory,
	} {
		if err := check(ctx, db, promised); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return powerGoesOn(ctx, db)
}

// powerErased looks for the keys of people who were erased in the files.
func powerErased(files map[string][]byte, promised powerPromises) error {
	for key, p := range promised {
		if !slices.ContainsFunc(p.answered, func(o powerOp) bool { return o.do == "erase" }) {
			continue
		}
		for name, contents := range files {
			if bytes.Contains(contents, []byte(key)) {
				return fmt.Errorf("%s was erased and is in %s", key, name)
			}
		}
	}
	return nil
}

// powerFiles has SQLite look for damage, looks for bodies without message, and
// for pages that are not of the size chosen.
func powerFiles(ctx context.Context, db *DB, _ powerPromises) error {
	for f, query := range map[*file]string{
		db.consent.file: "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
		db.spool.file: `SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'
			UNION ALL SELECT 'orphan chunk ' || message FROM chunks WHERE message NOT IN (SELECT num FROM messages)
			UNION ALL SELECT 'orphan recipient ' || message FROM recipients WHERE message NOT IN (SELECT num FROM messages)`,
	} {
		if err := f.readers.do(ctx, func(c *conn) error {
			if err := c.query(query, func(r row) error { return errors.New(r.text(0)) }); err != nil {
				return err
			}
			return c.query("SELECT page_size FROM pragma_page_size", func(r row) error {
				if name := filepath.Base(f.path); r.int(0) != int64(pageSize(name)) {
					return fmt.Errorf("%s has pages of %d bytes", name, r.int(0))
				}
				return nil
			})
		}); err != nil {
			return err
		}
	}
	return nil
}

func powerLedger(ctx context.Context, db *DB, _ powerPromises) error {
	entries, err := db.Consent().Entries(ctx, 0, 1<<20)
	if err != nil {
		return err
	}
	var v chain.Verifier
	for _, e := range entries {
		if err := v.Add(e); err != nil {
			return err
		}
	}
	head, err := db.Consent().Head(ctx)
	if err != nil {
		return err
	}
	return v.End(head)
}

// powerQueue compares the messages, their recipients and their bodies.
func powerQueue(ctx context.Context, db *DB, promised powerPromises) error {
	entries, err := db.Spool().Queue(ctx, store.QueueFilter{Limit: 1 << 20})
	if err != nil {
		return err
	}
	found := map[string]string{}
	for _, e := range entries {
		left := powerRecipients{}
		for _, r := range e.Recipients {
			_, n := splitID(r.ID)
			left[int(n)] = r
		}
		found[e.Message.ID] = left.String()
		if err := powerSameBody(ctx, db.Spool(), e.Message.ID, promised[e.Message.ID]); err != nil {
			return err
		}
	}
	if u, err := db.Spool().Usage(ctx); err != nil || u.Messages != len(entries) {
		return fmt.Errorf("%d messages are counted, %d are there: %w", u.Messages, len(entries), err)
	}
	return powerCompare(found, promised, 'q', modelMessage)
}

// powerHistory wants each recipient of a message exactly once: in the queue, or
// in the history of what has left it.
func powerHistory(ctx context.Context, db *DB, promised powerPromises) error {
	for id, p := range promised {
		if id[0] != 'q' {
			continue
		}
		ops := p.answered
		if p.asked != nil {
			ops = append(slices.Clip(ops), *p.asked)
		}
		if len(ops) == 0 {
			continue
		}
		found, err := db.Spool().Fates(ctx, store.FateFilter{QueueID: id})
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, f := range found.Fates {
			seen[f.Recipient] = true
		}
		n := len(found.Fates)
		if len(seen) != n || n != ops[0].n && (n != 0 || len(p.answered) > 0) || found.Damaged > 0 {
			return fmt.Errorf("%s had %d recipients, and has %d fates of %d", id, ops[0].n, n, len(seen))
		}
	}
	return nil
}

func powerSameBody(ctx context.Context, s *Spool, id string, p powerPromise) error {
	ops := p.answered
	if p.asked != nil {
		ops = append(slices.Clip(ops), *p.asked)
	}
	if len(ops) == 0 {
		return fmt.Errorf("%s was never sent", id)
	}
	b, err := s.Body(ctx, id)
	if err != nil {
		return err
	}
	defer b.Close()
	got, err := io.ReadAll(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, []byte(powerBody(id, ops[0].size))) {
		return fmt.Errorf("body of %s differs", id)
	}
	return nil
}

// powerLeases takes what is due: all that is queued, each once.
func powerLeases(ctx context.Context, db *DB, _ powerPromises) error {
	u, err := db.Spool().Usage(ctx)
	if err != nil {
		return err
	}
	jobs, err := db.Spool().Lease(ctx, powerDue, 1<<20, nil)
	if err != nil {
		return err
	}
	seen := map[int64]bool{}
	for _, j := range jobs {
		seen[j.Recipient.ID] = true
	}
	if len(seen) != u.Queued || len(jobs) != u.Queued {
		return fmt.Errorf("%d recipients are queued, %d were leased, %d different ones", u.Queued, len(jobs), len(seen))
	}
	return nil
}

// powerPeople compares what is known of each person, and their events.
func powerPeople(ctx context.Context, db *DB, promised powerPromises) error {
	s := db.Consent()
	events, err := s.Events(ctx, store.EventFilter{Limit: 1 << 20})
	if err != nil {
		return err
	}
	kinds := map[string][]store.EventKind{} // by key or hash
	for _, e := range events {
		kinds[e.Recipient] = append(kinds[e.Recipient], e.Kind)
	}
	found := map[string]string{}
	for key := range promised {
		if key[0] != 'p' {
			continue
		}
		p, err := s.Person(ctx, key)
		if err != nil {
			return err
		}
		got := powerPerson{choices: map[string]store.State{}, suppressed: len(p.Suppressions) > 0, erased: p.Erased}
		for _, c := range p.Choices {
			got.choices[c.List] = c.State
		}
		switch address, err := s.AddressOfCode(ctx, powerCode(key)); {
		case err == nil && address == "":
			got.code = "emptied"
		case err == nil && address == key:
			got.code = "kept"
		case !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("code of %s: %q, %w", key, address, err)
		}
		for _, name := range []string{key, s.Hash(key)} {
			got.events = append(got.events, kinds[name]...)
			delete(kinds, name)
		}
		found[key] = got.String()
	}
	if len(kinds) > 0 {
		return fmt.Errorf("events of nobody: %v", kinds)
	}
	return powerCompare(found, promised, 'p', modelPerson)
}

// powerCompare compares what was found with what may be there, for all
// subjects of one sort; what was not promised must not be there.
func powerCompare(found map[string]string, promised powerPromises, sort byte, model func([]powerOp) string) error {
	for about, p := range promised {
		if about[0] != sort {
			continue
		}
		if allowed := p.allowed(model); !slices.Contains(allowed, found[about]) {
			return fmt.Errorf("%s: found %q, want one of %q", about, found[about], allowed)
		}
		delete(found, about)
	}
	if len(found) > 0 {
		return fmt.Errorf("nobody asked for %v", found)
	}
	return nil
}

// powerGoesOn takes one message and one opt-out more.
func powerGoesOn(ctx context.Context, db *DB) error {
	if err := powerPut(ctx, db.Spool(), "after", powerOp{n: 1, size: 100}); err != nil {
		return err
	}
	_, err := db.Consent().Decide(ctx, optOut("after@example.net"))
	return err
}
