package sqlite

import (
	"context"
	"slices"
)

// perSealing is how many rows of an earlier release get their checksums in one
// transaction.
const perSealing = 5000

// sealOld gives checksums and guards to what earlier releases recorded. It goes
// on where it was interrupted.
func (s *Consent) sealOld(ctx context.Context) error {
	due := false
	if err := s.file.readers.do(ctx, func(c *conn) (err error) {
		due, err = c.one(selectMeta, func(row) {}, metaUnsealed)
		return err
	}); err != nil || !due {
		return err
	}
	for i := range tables {
		if err := s.sealTable(ctx, &tables[i]); err != nil {
			return err
		}
	}
	return s.file.write(ctx, &op{run: func(c *conn) error {
		if err := s.guards.load(c); err != nil {
			return err
		}
		s.guards.total.dirty = true // also where there was nothing
		_, err := c.exec(deleteMeta, metaUnsealed)
		return err
	}})
}

func (s *Consent) sealTable(ctx context.Context, t *table) error {
	var after []any
	for {
		var rows int
		var last []any
		if err := s.file.write(ctx, &op{run: func(c *conn) (err error) {
			rows, last, err = s.sealSome(c, t, after)
			return err
		}}); err != nil || rows < perSealing {
			return err
		}
		after = last
	}
}

// sealSome does one transaction's work. It returns how many rows it read and the
// key of the last of them.
func (s *Consent) sealSome(c *conn, t *table, after []any) (rows int, last []any, err error) {
	type due struct {
		key  []any
		seal uint64
	}
	var all []due
	changes := map[int64]guard{}
	k := s.guards.seals
	var sealed sealedRow
	if err := c.query(t.next(after == nil), func(r row) error {
		rows++
		last = last[:0]
		for i := range t.keys {
			last = append(last, r[i])
		}
		return t.one(k, r, &sealed, func(_ row, s *sealedRow) error {
			if s.stored != 0 {
				return nil
			}
			all = append(all, due{slices.Clone(last), s.seal})
			if s.of != 0 {
				id := k.id(s.of, s.name)
				g := changes[id]
				g.count++
				g.sum += s.seal
				changes[id] = g
			}
			return nil
		})
	}, append(slices.Clone(after), perSealing)...); err != nil {
		return 0, nil, err
	}
	for _, d := range all {
		if _, err := c.exec(t.setSeal(), append([]any{int64(d.seal)}, d.key...)...); err != nil {
			return 0, nil, err
		}
	}
	for id, g := range changes {
		s.guards.changeBy(id, g.count, g.sum)
	}
	return rows, last, nil
}
