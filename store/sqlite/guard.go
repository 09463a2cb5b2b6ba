package sqlite

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"offramp/store"
)

// guards find rows that are damaged or lost. Each protected row has a checksum;
// each name has a guard in a table of its own, with the number of its rows and
// the sum of their checksums; and one row has sums over all. Guards and rows
// change in one transaction.
type guards struct {
	seals *sealer // nil: opened without the key, nothing can be verified
	// certain is what the last verification found; nil: none has ended.
	certain atomic.Pointer[certainty]
	// next is what the verification that runs fills, or the last one filled.
	next  atomic.Pointer[filter]
	ended chan struct{} // closed once the first verification has ended
	once  sync.Once
	// failed holds the error of a verification that is tried again.
	failed chan error
	again  chan struct{} // holds one token when the filter has become too small
	alarm  alarm

	// Of the writer's goroutine: the totals, and what the transaction changes.
	total   totals
	pending map[int64]difference
}

// difference is what a transaction changes of one guard.
type difference struct {
	count int64
	sum   uint64
	fresh bool // there certainly was no row of the name
}

// guard is what is known of the rows of one name.
type guard struct {
	id    int64
	count int64
	sum   uint64
	seal  uint64
}

// totals are sums over all guards and all rows.
type totals struct {
	known            bool
	broken           bool // its row is damaged or missing: it is left alone, for repair
	dirty            bool
	guards, rows     int64
	guardSum, rowSum uint64
}

const (
	selectGuard = "SELECT count, sum, seal FROM guards WHERE id = ?"
	putGuard    = `INSERT INTO guards (id, count, sum, seal) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET count = excluded.count, sum = excluded.sum, seal = excluded.seal`
	addGuard     = "INSERT INTO guards (id, count, sum, seal) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
	deleteGuard  = "DELETE FROM guards WHERE id = ?"
	metaTotals   = "guards"
	metaUnsealed = "unsealed"
)

// change tells the guard of a name that a row with the seal before has the seal
// after; 0: there was none, or there is none now. What was wrong with the guard
// stays wrong by as much: no writer repairs by accident.
func (g *guards) change(of class, name string, before, after uint64) {
	g.changeBy(g.seals.id(of, name), rowsOf(after)-rowsOf(before), after-before)
}

func rowsOf(seal uint64) int64 {
	if seal == 0 {
		return 0
	}
	return 1
}

// changeBy waits for the end of the transaction, since one often changes several
// rows of a name, and guards that are near one another are written in one go.
func (g *guards) changeBy(id, count int64, sum uint64) {
	if g.pending == nil {
		g.pending = map[int64]difference{}
	}
	p := g.pending[id]
	p.count += count
	p.sum += sum
	g.pending[id] = p
}

// begin is change for the first row of a person of whom there certainly was none.
func (g *guards) begin(name string, after uint64) {
	id := g.seals.id(person, name)
	_, again := g.pending[id]
	g.changeBy(id, 1, after)
	if p := g.pending[id]; !again {
		p.fresh = true
		g.pending[id] = p
	}
}

// add writes the guard of a name that had no rows. added is false where there is one
// after all, of a name that shares it or of rows that are lost: that one is changed.
func (g *guards) add(c *conn, id, count int64, sum uint64) (added bool, err error) {
	next := guard{id: id, count: count, sum: sum}
	next.seal = g.seals.guard(next)
	n, err := c.exec(addGuard, id, next.count, int64(next.sum), int64(next.seal))
	if err != nil || n == 0 {
		return false, err
	}
	t := &g.total
	t.dirty = true
	t.rows += count
	t.rowSum += sum
	t.guards++
	t.guardSum += next.seal
	return true, nil
}

// apply writes a guard.
func (g *guards) apply(c *conn, id, count int64, sum uint64) error {
	have := guard{id: id}
	found, err := c.one(selectGuard, func(r row) { have.count, have.sum, have.seal = r.int(0), uint64(r.int(1)), uint64(r.int(2)) }, id)
	if err != nil {
		return err
	}
	fault := uint64(0)
	if found {
		fault = have.seal - g.seals.guard(have)
	}
	next := guard{id: id, count: have.count + count, sum: have.sum + sum}
	next.seal = g.seals.guard(next) + fault
	t := &g.total
	t.dirty = true
	t.rows += count
	t.rowSum += sum
	if next.count == 0 && next.sum == 0 && fault == 0 {
		if found {
			t.guards--
			t.guardSum -= have.seal
		}
		_, err = c.exec(deleteGuard, id)
		return err
	}
	if !found {
		t.guards++
	}
	t.guardSum += next.seal - have.seal
	_, err = c.exec(putGuard, id, next.count, int64(next.sum), int64(next.seal))
	return err
}

// load reads the totals.
func (g *guards) load(c *conn) (err error) {
	if !g.total.known {
		g.total, err = g.readTotals(c)
	}
	return err
}

const totalsSize = 32

// readTotals reads the row of the totals. Before the first start has sealed what
// it found there is none.
func (g *guards) readTotals(c *conn) (t totals, err error) {
	var value []byte
	var seal uint64
	found, err := c.one(selectValue, func(r row) { value, seal = r.blob(0), uint64(r.int(1)) }, metaTotals)
	if err != nil {
		return t, err
	}
	t.known = true
	if !found {
		unsealed, err := c.one(selectMeta, func(row) {}, metaUnsealed)
		t.broken = !unsealed
		return t, err
	}
	if len(value) != totalsSize || seal != g.seals.value(metaTotals, value) {
		t.broken = true
		return t, nil
	}
	at := func(i int) uint64 { return binary.LittleEndian.Uint64(value[8*i:]) }
	t.guards, t.guardSum, t.rows, t.rowSum = int64(at(0)), at(1), int64(at(2)), at(3)
	return t, nil
}

func (t *totals) value() []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(t.guards))
	b = binary.LittleEndian.AppendUint64(b, t.guardSum)
	b = binary.LittleEndian.AppendUint64(b, uint64(t.rows))
	return binary.LittleEndian.AppendUint64(b, t.rowSum)
}

// flush writes guards and totals, as the last thing of a transaction.
func (g *guards) flush(c *conn) error {
	t := &g.total
	if len(g.pending) == 0 && !t.dirty {
		return nil
	}
	if err := g.load(c); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(g.pending)) {
		p := g.pending[id]
		if p.fresh && p.count > 0 {
			if added, err := g.add(c, id, p.count, p.sum); err != nil {
				return err
			} else if added {
				continue
			}
		}
		if p.count == 0 && p.sum == 0 {
			continue
		}
		if err := g.apply(c, id, p.count, p.sum); err != nil {
			return err
		}
	}
	clear(g.pending)
	if !t.dirty || t.broken {
		return nil
	}
	t.dirty = false
	if sure := g.certain.Load(); sure != nil && t.rows > sure.filter.room {
		select {
		case g.again <- struct{}{}:
		default:
		}
	}
	value := t.value()
	_, err := c.exec(putValue, metaTotals, value, int64(g.seals.value(metaTotals, value)))
	return err
}

// forget has the totals read again: a transaction was rolled back.
func (g *guards) forget() {
	g.total = totals{}
	clear(g.pending)
}

// mark has the filters know of a row, before it is committed.
func (g *guards) mark(id int64, keys ...uint64) {
	if c := g.certain.Load(); c != nil {
		for _, key := range keys {
			c.filter.add(id, key)
		}
	}
	for f, i := g.next.Load(), 0; f != nil && i < len(keys); i++ {
		f.add(id, keys[i])
	}
}

// doubt is the error that something is damaged.
func doubt(what string) error {
	return fmt.Errorf("%w: %s: stop the server and run `offramp repair`", store.ErrUncertain, what)
}
