package sqlite

import (
	"context"
	"errors"

	"offramp/store"
)

const (
	salvageTrack   = "SELECT address, track FROM recipients WHERE message = ? AND n = ?"
	salvageFate    = "SELECT id, data FROM fates WHERE id > ? ORDER BY id LIMIT 1"
	salvagedAtOnce = 500
	// firstJump is about how many rows a page has.
	firstJump = 32
)

// tries are the attempts at a recipient, as far as they can be read: the file of
// an earlier release has none.
func (g *salvage) tries(r store.Recipient) []store.Try {
	num, n := splitID(r.ID)
	var t track
	_, _ = g.from.one(salvageTrack, func(row row) { t = trackOf(row.blob(1), row.text(0)) }, num, n)
	return t.tries
}

// fates moves what became of mail, from the first row to the last. Behind a page that
// cannot be read it goes on where one can be; the index is made anew.
func (g *salvage) fates(ctx context.Context) error {
	if has, err := hasTable(g.from, "fates"); err != nil || !has {
		return ignoreUnreadable(err)
	}
	var some []savedFate
	for at, jump := int64(0), int64(firstJump); at >= 0; { // at the end of all numbers
		if err := ctx.Err(); err != nil {
			return err
		}
		next := at
		var data []byte
		found, err := g.from.one(salvageFate, func(r row) { next, data = r.int(0), r.blob(1) }, at)
		if err != nil && !unreadable(err) {
			return err
		}
		if err != nil || found && next <= at {
			at, jump = at+jump, 2*jump
			continue
		}
		if !found {
			break
		}
		at, jump = next, firstJump
		if key, fate, err := fateOf(data, g.to.crc); err == nil {
			some = append(some, savedFate{key.person, fate})
		}
		if len(some) == salvagedAtOnce {
			if err := g.putFates(ctx, some); err != nil {
				return err
			}
			some = some[:0]
		}
	}
	if err := g.putFates(ctx, some); err != nil {
		return err
	}
	return g.putFrom(ctx)
}

// savedFate is a row that was read.
type savedFate struct {
	person string
	fate   store.Fate
}

func (g *salvage) putFates(ctx context.Context, all []savedFate) error {
	if len(all) == 0 {
		return nil
	}
	return g.to.file.write(ctx, &op{run: func(c *conn) error {
		for _, f := range all {
			if _, err := g.to.history.add(c, g.to, f.person, &f.fate); err != nil {
				return err
			}
		}
		return nil
	}})
}

// putFrom keeps since when all is known.
func (g *salvage) putFrom(ctx context.Context) error {
	var from []byte
	if _, err := g.from.one(selectMeta, func(r row) { from = r.blob(0) }, metaHistoryFrom); err != nil || from == nil {
		return ignoreUnreadable(err)
	}
	return g.to.file.write(ctx, &op{run: func(c *conn) error {
		_, err := c.exec(putMeta, metaHistoryFrom, from)
		return err
	}})
}

// hasTable says whether a file has a table.
func hasTable(c *conn, name string) (has bool, err error) {
	_, err = c.one("SELECT count(*) FROM sqlite_schema WHERE name = ?", func(r row) { has = r.bool(0) }, name)
	return has, err
}

func ignoreUnreadable(err error) error {
	if unreadable(err) || errors.Is(err, store.ErrDamaged) {
		return nil
	}
	return err
}
