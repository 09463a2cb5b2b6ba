package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"offramp/store"
)

// Repair puts back what damage took, as far as checksums or the ledger prove it,
// and stops mail to everybody of whom that is not known. It only ever adds what
// stops mail. The server must not run beside it. listKey gives a list that was
// lost its short key.
func (s *Consent) Repair(ctx context.Context, now time.Time, listKey func(id string) uint64) (done store.Repaired, err error) {
	if s.file.writer == nil {
		return done, fail("repair", errReadOnly)
	}
	if err := s.verifiedOnce(ctx); err != nil {
		return done, fail("repair", err)
	}
	if err := s.file.write(ctx, &op{run: func(c *conn) error {
		r := &repair{s: s, c: c, k: s.guards.seals, now: now, listKey: listKey, found: map[int64]guard{}, names: map[int64]sealedRow{}}
		err := r.run(ctx)
		done = r.done
		return err
	}}); err != nil {
		return store.Repaired{}, fail("repair", err)
	}
	s.guards.alarm.count.Store(0)
	if err := s.verify(ctx); err != nil {
		return done, fail("repair", err)
	}
	done.Integrity = s.Integrity()
	return done, nil
}

// repair is one repair, in one transaction.
type repair struct {
	s       *Consent
	c       *conn
	k       *sealer
	now     time.Time
	listKey func(id string) uint64
	done    store.Repaired

	rows      tally
	guardless bool                // a legible row had no guard
	found     map[int64]guard     // what the legible rows of each name add up to
	names     map[int64]sealedRow // of and name alone
	broken    []brokenRow
}

// brokenRow is a row that is not what was written.
type brokenRow struct {
	table  *table
	values row
	is     sealedRow
}

func (r *repair) run(ctx context.Context) error {
	if err := r.collect(); err != nil {
		return err
	}
	guards, err := r.s.scanGuards(ctx, r.c)
	if err != nil {
		return err
	}
	t, err := r.s.guards.readTotals(r.c)
	if err != nil {
		return err
	}
	verdict := conclude(r.rows, guards, t)
	if verdict.text == "" {
		return nil
	}
	// What follows is no change of what people chose: totals are made anew below.
	defer r.s.guards.forget()
	proven := r.rows.clean() && !t.broken && r.rows.count == t.rows && r.rows.sum == t.rowSum
	agreed := t.broken && r.rows.clean() && guards.clean() && verdict.mode == trusted
	if proven {
		if err := r.rebuild(guards.unreadable != nil); err != nil {
			return err
		}
	} else if !agreed {
		if err := r.each(); err != nil {
			return err
		}
	}
	switch {
	case verdict.mode != stopped:
		return r.total(0)
	case t.broken && (r.guardless || !guards.clean()):
		// Guards were made of what rows are left. That they agree now proves nothing
		// any more, so the totals have to say that somebody is missing.
		return r.total(1)
	}
	return nil // nobody can say that nobody is missing
}

// collect reads every legible row, on both sides of what is not legible.
func (r *repair) collect() error {
	for i := range tables {
		t := &tables[i]
		err := t.each(r.c, r.k, func(v row, s *sealedRow) error { return r.add(t, v, s) })
		if errors.Is(err, store.ErrDamaged) {
			r.rows.unreadable = err
			err = r.backwards(t)
		}
		if err != nil && !errors.Is(err, errStop) && !errors.Is(err, store.ErrDamaged) {
			return err
		}
	}
	return nil
}

// backwards learns the names that are behind a page that cannot be read.
func (r *repair) backwards(t *table) error {
	var s sealedRow
	order := ""
	for i, key := range t.keys {
		if i > 0 {
			order += ", "
		}
		order += key + " DESC"
	}
	return r.c.query("SELECT "+t.columns+", seal FROM "+t.name+" ORDER BY "+order, func(v row) error {
		return t.one(r.k, v, &s, func(_ row, s *sealedRow) error {
			_, err := r.name(s)
			return err
		})
	})
}

// name takes the name of a row. It may have taken it before.
func (r *repair) name(s *sealedRow) (id int64, err error) {
	if s.of == 0 {
		return 0, errStop
	}
	id = r.k.id(s.of, s.name)
	r.names[id] = sealedRow{of: s.of, name: s.name}
	return id, nil
}

// add takes a row.
func (r *repair) add(t *table, v row, s *sealedRow) error {
	id, err := r.name(s)
	if err != nil {
		return err
	}
	g := r.found[id]
	g.count++
	g.sum += s.stored
	r.found[id] = g
	r.rows.count++
	r.rows.sum += s.stored
	r.rows.add(id, 1, s.stored)
	if s.stored != s.seal {
		r.rows.bad++
		r.broken = append(r.broken, brokenRow{table: t, is: *s, values: slices.Clone(v)})
	}
	return nil
}

// rebuild makes all guards anew, from rows that are whole.
func (r *repair) rebuild(unreadable bool) error {
	r.done.Guards = int64(len(r.found))
	if unreadable { // what cannot be read cannot be deleted
		if err := r.c.pragma(fmt.Sprintf("ALTER TABLE guards RENAME TO guards_damaged_%d", r.now.UnixMicro())); err != nil {
			return err
		}
		if err := r.c.pragma("CREATE TABLE guards (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, sum INTEGER NOT NULL, seal INTEGER NOT NULL) STRICT"); err != nil {
			return err
		}
	} else if _, err := r.c.exec("DELETE FROM guards"); err != nil {
		return err
	}
	for id, g := range r.found {
		if err := r.guard(id, g.count, g.sum); err != nil {
			return err
		}
	}
	return nil
}

// guard puts the guard of a name whose rows are known.
func (r *repair) guard(id, count int64, sum uint64) error {
	if count == 0 {
		_, err := r.c.exec(deleteGuard, id)
		return err
	}
	g := guard{id: id, count: count, sum: sum}
	_, err := r.c.exec(putGuard, id, count, int64(sum), int64(r.k.guard(g)))
	return err
}

// total has the totals be those of the guards, and of so many more names that
// are nowhere.
func (r *repair) total(missing int64) error {
	t := totals{known: true, dirty: true, guards: missing, rows: missing}
	if err := r.c.query(selectGuards, func(v row) error {
		t.guards++
		t.rows += v.int(1)
		t.rowSum += uint64(v.int(2))
		t.guardSum += v.seal(3)
		return nil
	}); err != nil {
		return err
	}
	value := t.value()
	_, err := r.c.exec(putValue, metaTotals, value, int64(r.k.value(metaTotals, value)))
	return err
}

// each repairs every name whose rows do not add up.
func (r *repair) each() error {
	concerned := map[int64]bool{}
	for _, b := range r.broken {
		concerned[r.k.id(b.is.of, b.is.name)] = true
		if err := r.correct(b); err != nil {
			return err
		}
	}
	expected := map[int64]bool{}
	if err := r.c.query(selectGuards, func(v row) error {
		id := v.int(0)
		expected[id] = true
		if g := r.found[id]; g.count != v.int(1) || g.sum != uint64(v.int(2)) {
			concerned[id] = true
		}
		return nil
	}); err != nil && !errors.Is(err, store.ErrDamaged) {
		return err
	}
	for id := range r.found {
		if !expected[id] {
			r.guardless = true
			concerned[id] = true
		}
	}
	if err := r.learn(concerned); err != nil {
		return err
	}
	for id := range concerned {
		if err := r.one(id); err != nil {
			return err
		}
	}
	slices.Sort(r.done.Stopped)
	return nil
}

// one repairs one name.
func (r *repair) one(id int64) error {
	n, ok := r.names[id]
	if !ok {
		return r.unnamed(id)
	}
	switch n.of {
	case aList:
		return r.list(id, n.name)
	case aValue:
		return r.value(id, n.name)
	}
	return r.person(id, n.name)
}

// unnamed counts a name that is legible nowhere, if there still is one.
func (r *repair) unnamed(id int64) error {
	guarded, err := r.c.one(selectGuard, func(row) {}, id)
	if err == nil && guarded {
		r.done.Unnamed++
	}
	return err
}
