package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/store"
)

// footing is how far the records can be relied on.
type footing int

const (
	// trusted: what is read and fits its checksum is right, and the filter knows of
	// every row.
	trusted footing = iota
	// careful: rows are damaged or lost, and the guards say of whom.
	careful
	// stopped: nobody can say who it concerns.
	stopped
)

// certainty is what a verification found.
type certainty struct {
	mode   footing
	text   string // what is wrong; empty: nothing
	filter *filter
}

// tally is what a verification counts of one side, rows or guards.
type tally struct {
	count int64
	sum   uint64 // of seals
	// Weighted by name: the same on both sides when they agree on every name.
	counts, sums uint64
	people       int64 // of count, rows of people
	bad          int64 // whose own seal does not fit
	unreadable   error
}

func (t *tally) add(id, count int64, sum uint64) {
	t.counts += (mix(uint64(id)) | 1) * uint64(count)
	t.sums += (mix(uint64(id)^0x5bd1e995) | 1) * sum
}

func (t *tally) clean() bool { return t.bad == 0 && t.unreadable == nil }

const (
	selectGuards = "SELECT id, count, sum, seal FROM guards"
	// reverify finds what was damaged while the server runs.
	reverify = 24 * time.Hour
	// verifyPause is how long a filter that became too small is put up with: it
	// has looks take longer, and an import makes it too small again and again.
	verifyPause = time.Minute
)

// verifying verifies all records, at once and then daily, or when there are too
// many for the filter. It ends with ctx.
func (s *Consent) verifying(ctx context.Context) {
	for ctx.Err() == nil {
		wait := reverify
		if err := s.verify(ctx); err != nil && ctx.Err() == nil {
			s.guards.alarm.log.Error("the records of people cannot be verified, list mail waits", "error", err)
			select {
			case s.guards.failed <- err:
			default:
			}
			wait = time.Second
		}
		if first := min(wait, verifyPause); pause(ctx, first, nil) {
			pause(ctx, wait-first, s.guards.again)
		}
	}
}

// verify reads every protected row once. An error says that it is to be tried
// again.
func (s *Consent) verify(ctx context.Context) error {
	g := &s.guards
	expected, err := s.expected(ctx)
	if err != nil {
		return err
	}
	f := newFilter(expected)
	g.next.Store(f)
	// What was marked in the filter before is committed once this is.
	s.file.writer.between()
	c, err := openConn(s.file.readers.dsn)
	if err != nil {
		return err
	}
	begun := time.Now()
	sure, rows, err := s.scan(ctx, c, f)
	if err := errors.Join(err, c.close()); err != nil {
		return err
	}
	g.certain.Store(sure)
	select { // it was asked for by what is done now
	case <-g.again:
	default:
	}
	if sure.text != "" {
		g.alarm.damage(sure)
	} else {
		g.alarm.log.Debug("the records of people are verified", "rows", rows, "duration", time.Since(begun))
	}
	g.once.Do(func() { close(g.ended) })
	return nil
}

// expected is about how many rows there are.
func (s *Consent) expected(ctx context.Context) (rows int64, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		t, err := s.guards.readTotals(c)
		if rows = t.rows; t.broken {
			_, err = c.one("PRAGMA page_count", func(r row) { rows = r.int(0) * int64(pageSize(consentFile)) / 128 })
		}
		return err
	})
	if errors.Is(err, store.ErrDamaged) {
		return 0, nil
	}
	return max(rows, 0), err
}

func (s *Consent) scan(ctx context.Context, c *conn, f *filter) (*certainty, int64, error) {
	if _, err := c.exec("BEGIN"); err != nil {
		return nil, 0, err
	}
	rows, err := s.scanRows(ctx, c, f)
	if err != nil {
		return nil, 0, err
	}
	guards, err := s.scanGuards(ctx, c)
	if err != nil {
		return nil, 0, err
	}
	t, err := s.guards.readTotals(c)
	if t.broken = t.broken || errors.Is(err, store.ErrDamaged); err != nil && !t.broken {
		return nil, 0, err
	}
	sure := conclude(rows, guards, t)
	sure.filter = f
	return sure, rows.count, nil
}

// conclude says how far rows and guards can be relied on, given the totals.
func conclude(rows, guards tally, t totals) *certainty {
	agree := rows.counts == guards.counts && rows.sums == guards.sums
	rowsWhole := rows.clean() && !t.broken && rows.count == t.rows && rows.sum == t.rowSum
	guardsWhole := guards.clean() && !t.broken && guards.count == t.guards && guards.sum == t.guardSum
	switch {
	case rowsWhole && guardsWhole && agree:
		return &certainty{}
	case rowsWhole:
		return &certainty{text: "checksums over people's records are damaged; the records are whole"}
	case guardsWhole:
		return &certainty{mode: careful, text: fmt.Sprintf("records of people are damaged or lost (%d legible, %d of them damaged, %d expected): nothing is sent to the people that may concern", rows.count, rows.bad, t.rows)}
	case t.broken && rows.clean() && guards.clean() && agree && rows.people > 0: // where nobody is left, all may be lost
		return &certainty{text: "the sums over all records are damaged; the records are whole"}
	}
	return &certainty{mode: stopped, text: "records of people are damaged or lost, and nobody can say whose: no list mail is sent"}
}

// stepping has a long read end with ctx.
func stepping(ctx context.Context) func() error {
	n := 0
	return func() error {
		if n++; n%1024 == 0 {
			return ctx.Err()
		}
		return nil
	}
}

func (s *Consent) scanRows(ctx context.Context, c *conn, f *filter) (sums tally, err error) {
	k, step, erased := s.guards.seals, stepping(ctx), int64(0)
	last, id := "", int64(0)
	for i := range tables {
		t := &tables[i]
		err := t.each(c, k, func(_ row, r *sealedRow) error {
			if r.of == 0 {
				return errStop
			}
			if r.stored != r.seal {
				sums.bad++
			}
			if r.name != last || r.of != person {
				last, id = r.name, k.id(r.of, r.name)
			}
			sums.count++
			if r.of == person {
				sums.people++
			}
			sums.sum += r.stored
			sums.add(id, 1, r.stored)
			for _, key := range r.keys {
				f.add(id, key)
			}
			switch t.name {
			case "suppressions":
				s.patterns.add(r.name)
			case "erased":
				erased++
			}
			return step()
		})
		switch {
		case errors.Is(err, store.ErrDamaged):
			sums.unreadable = err
		case err != nil && !errors.Is(err, errStop):
			return sums, err
		}
	}
	// Whoever is not counted would not be looked for.
	for have := s.people.erased.Load(); have < erased && !s.people.erased.CompareAndSwap(have, erased); {
		have = s.people.erased.Load()
	}
	return sums, nil
}

// errStop ends a query that has read enough.
var errStop = errors.New("enough")

func (s *Consent) scanGuards(ctx context.Context, c *conn) (sums tally, err error) {
	step := stepping(ctx)
	err = c.query(selectGuards, func(r row) error {
		g := guard{id: r.int(0), count: r.int(1), sum: uint64(r.int(2)), seal: r.seal(3)}
		if g.seal != s.guards.seals.guard(g) {
			sums.bad++
		}
		sums.count++
		sums.sum += g.seal
		sums.add(g.id, g.count, g.sum)
		return step()
	})
	if errors.Is(err, store.ErrDamaged) {
		sums.unreadable = err
		err = nil
	}
	return sums, err
}
