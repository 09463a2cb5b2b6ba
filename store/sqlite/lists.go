package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offramp/store"
)

// Consent implements store.Consent on offramp.db.
type Consent struct {
	file     *file
	known    known
	people   *people
	patterns patterns
	ledger   ledger
	now      func() time.Time
	asked    func() // called after Scrub asked
}

var _ store.Consent = (*Consent)(nil)

// start starts the writer. What is kept in memory is read again with each new
// connection, since the outcome of the last commit is unknown then.
func (s *Consent) start(ctx context.Context) error {
	if s.file.writer == nil {
		if len(s.people.key) == 0 {
			return nil // who only reads what is about nobody needs none
		}
		return s.file.readers.do(ctx, func(c *conn) error {
			fresh, err := s.people.check(c)
			if err != nil || fresh {
				return err
			}
			return s.people.load(c)
		})
	}
	if len(s.people.key) != keySize {
		return errNoKey
	}
	s.file.writer.rolledBack = s.ledger.forget
	if err := s.file.start(func(c *conn) error {
		s.ledger.forget()
		if _, err := s.people.check(c); err != nil {
			return err
		}
		if err := s.patterns.load(c); err != nil {
			return err
		}
		return s.people.load(c)
	}); err != nil {
		return err
	}
	if err := s.file.write(ctx, &op{run: func(c *conn) error {
		fresh, err := s.people.check(c)
		if err == nil && fresh {
			_, err = c.exec(putMeta, metaPersonKey, s.people.fingerprint())
		}
		if err != nil {
			return err
		}
		return s.chainOld(c)
	}}); err != nil {
		return fail("begin ledger", err)
	}
	return nil
}

const (
	listColumns     = "id, key, name, description, transactional, public, third_party, language, sender, footer, created"
	selectList      = "SELECT " + listColumns + " FROM lists WHERE id = ?"
	selectListByKey = "SELECT " + listColumns + " FROM lists WHERE key = ?"
	selectLists     = "SELECT " + listColumns + " FROM lists ORDER BY id"
	insertList      = "INSERT INTO lists (" + listColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	updateList      = `UPDATE lists SET name = ?, description = ?, transactional = ?, public = ?, third_party = ?,
		language = ?, sender = ?, footer = ? WHERE id = ?`
)

func listOf(r row) store.List {
	return store.List{
		ID: r.text(0), Key: uint64(r.int(1)), Name: r.text(2), Description: r.text(3), Transactional: r.bool(4),
		Public: r.bool(5), ThirdParty: r.bool(6), Language: r.text(7), Sender: r.text(8), Footer: r.text(9), Created: r.time(10),
	}
}

// EnsureList returns the list with l.ID, adding l when there is none.
func (s *Consent) EnsureList(ctx context.Context, l store.List) (store.List, error) {
	have, err := s.List(ctx, l.ID)
	if !errors.Is(err, store.ErrNotFound) {
		return have, err
	}
	err = s.file.write(ctx, &op{run: func(c *conn) error {
		found, err := c.one(selectList, func(r row) { have = listOf(r) }, l.ID)
		if err != nil || found {
			return err
		}
		_, err = c.exec(insertList, l.ID, int64(l.Key), l.Name, l.Description, l.Transactional,
			l.Public, l.ThirdParty, l.Language, l.Sender, l.Footer, micros(l.Created))
		have = l
		have.Created = kept(l.Created)
		return err
	}})
	return have, fail("add list", err)
}

// List returns one list or store.ErrNotFound.
func (s *Consent) List(ctx context.Context, id string) (store.List, error) {
	l, ok, changes := s.known.get(id)
	if ok {
		return l, nil
	}
	l, err := s.list(ctx, selectList, id)
	if err == nil && s.file.writer != nil {
		s.known.put(l, changes)
	}
	return l, err
}

// ListByKey returns the list with that short key or store.ErrNotFound.
func (s *Consent) ListByKey(ctx context.Context, key uint64) (store.List, error) {
	return s.list(ctx, selectListByKey, int64(key))
}

func (s *Consent) list(ctx context.Context, query string, arg any) (l store.List, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		found, err := c.one(query, func(r row) { l = listOf(r) }, arg)
		if err == nil && !found {
			return store.ErrNotFound
		}
		return err
	})
	return l, fail("list", err)
}

// Lists returns all lists by ID.
func (s *Consent) Lists(ctx context.Context) ([]store.List, error) {
	var all []store.List
	err := s.file.readers.do(ctx, func(c *conn) error {
		return c.query(selectLists, func(r row) error {
			all = append(all, listOf(r))
			return nil
		})
	})
	return all, fail("lists", err)
}

// UpdateList replaces all of the list with l.ID but ID, key and creation, or
// returns store.ErrNotFound.
func (s *Consent) UpdateList(ctx context.Context, l store.List) error {
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		n, err := c.exec(updateList, l.Name, l.Description, l.Transactional, l.Public, l.ThirdParty, l.Language, l.Sender, l.Footer, l.ID)
		if err == nil && n == 0 {
			return store.ErrNotFound
		}
		return err
	}})
	s.known.forget(l.ID)
	return fail("update list", err)
}

// fail names what was tried.
func fail(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
