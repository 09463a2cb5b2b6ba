package sqlite

import (
	"context"
	"errors"

	"offramp/store"
)

const (
	putReader = `INSERT INTO readers (name, through, since) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET through = excluded.through, since = excluded.since WHERE excluded.through > through`
	selectReaders = "SELECT name, through, since FROM readers ORDER BY name"
	deleteReader  = "DELETE FROM readers WHERE name = ?"
)

// Acknowledge records how far a reader came; it never goes back.
func (s *Consent) Acknowledge(ctx context.Context, r store.Reader) error {
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		_, err := c.exec(putReader, r.Name, r.Through, micros(r.Since))
		return err
	}})
	return fail("acknowledge", err)
}

// Readers returns all readers by name.
func (s *Consent) Readers(ctx context.Context) (all []store.Reader, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		return c.query(selectReaders, func(r row) error {
			all = append(all, store.Reader{Name: r.text(0), Through: r.int(1), Since: r.time(2)})
			return nil
		})
	})
	return all, fail("readers", err)
}

// Dismiss forgets a reader, or returns store.ErrNotFound.
func (s *Consent) Dismiss(ctx context.Context, name string) error {
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		n, err := c.exec(deleteReader, name)
		if err == nil && n == 0 {
			return store.ErrNotFound
		}
		return err
	}})
	return fail("dismiss", err)
}

// EarlierStream returns the default stream that the data was served with before
// there was a choice; empty: it never was.
func (s *Consent) EarlierStream(ctx context.Context) (stream string, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		value, seal, err := s.valueNow(c, metaStream)
		switch stream = string(value); {
		case err != nil || s.guards.seals == nil:
			return err
		case seal == 0:
			_, err = s.missing(c, aValue, metaStream)
		case seal != s.guards.seals.value(metaStream, value):
			err = s.guards.found(doubt("the earlier default stream is damaged"))
		}
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return stream, fail("earlier stream", err)
}
