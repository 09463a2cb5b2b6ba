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
	guards   guards
	ledger   ledger
	arrivals arrivals
	now      func() time.Time
	asked    func() // called after Scrub or Erase asked for the overwriting
	stop     func() // ends the verification; nil: there is none
}

var _ store.Consent = (*Consent)(nil)

func newConsent(f *file, o Options) (*Consent, error) {
	s := &Consent{file: f, people: &people{key: o.PersonKey}, ledger: ledger{random: o.Random}, now: o.Now}
	s.guards.ended, s.guards.again, s.guards.alarm.log = make(chan struct{}), make(chan struct{}, 1), o.Log
	s.guards.failed = make(chan error, 1)
	if len(o.PersonKey) == 0 {
		return s, nil
	}
	var err error
	s.guards.seals, err = newSealer(o.PersonKey)
	return s, err
}

// verifyAlways has the records verified until close. List mail waits for the first
// time.
func (s *Consent) verifyAlways() {
	s.stop = background(s.guards.alarm.log, "the records of people were verified", s.verifying)
}

func (s *Consent) close() error {
	if s.stop != nil {
		s.stop()
	}
	return s.file.close()
}

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
	s.file.writer.rolledBack = func() {
		s.ledger.forget()
		s.guards.forget()
	}
	s.file.writer.settle = s.guards.flush
	s.file.writer.kept = func() {
		if s.ledger.known {
			s.arrivals.tell(s.ledger.id)
		}
	}
	if err := s.file.start(func(c *conn) error {
		s.ledger.forget()
		s.guards.forget()
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
			err = s.setValue(c, metaPersonKey, s.people.fingerprint())
		}
		if err == nil {
			// Whoever held a lease had the folder locked, which is ours now.
			_, err = c.exec(endLeases)
		}
		if err != nil {
			return err
		}
		return s.chainOld(c)
	}}); err != nil {
		return fail("begin ledger", err)
	}
	return fail("make checksums", s.sealOld(ctx))
}

const (
	listColumns     = "id, key, name, description, transactional, public, third_party, language, sender, footer, created"
	selectList      = "SELECT " + listColumns + ", seal FROM lists WHERE id = ?"
	selectListByKey = "SELECT " + listColumns + ", seal FROM lists WHERE key = ?"
	selectLists     = "SELECT " + listColumns + ", seal FROM lists ORDER BY id"
	selectPublic    = "SELECT " + listColumns + " FROM lists WHERE public <> 0"
	selectThirdOnes = "SELECT 1 FROM lists WHERE third_party <> 0 LIMIT 1"
	intoLists       = " INTO lists (" + listColumns + ", seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	insertList      = "INSERT" + intoLists
	replaceListRow  = "INSERT OR REPLACE" + intoLists // for a repair: another list with its key is damaged
	updateList      = `UPDATE lists SET name = ?, description = ?, transactional = ?, public = ?, third_party = ?,
		language = ?, sender = ?, footer = ?, seal = ? WHERE id = ?`
)

// listSeal is where the seal is, after listColumns.
const listSeal = 11

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
		have = l
		have.Created = kept(l.Created)
		return s.addList(c, have)
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
		l, err = s.readList(c, query, arg)
		return err
	})
	if err != nil {
		return store.List{}, fail("list", uncertain(err))
	}
	return l, nil
}

// readList reads a list that is whole.
func (s *Consent) readList(c *conn, query string, arg any) (l store.List, err error) {
	seal := uint64(0)
	found, err := c.one(query, func(r row) { l, seal = listOf(r), r.seal(listSeal) }, arg)
	switch key, byKey := arg.(int64); {
	case err != nil:
		return l, err
	case !found && byKey:
		return l, store.ErrNotFound // whoever asks by key waits then
	case !found:
		there, err := s.missing(c, aList, arg.(string))
		if there {
			return s.readList(c, query, arg) // lists never go
		}
		return l, err
	case s.guards.seals == nil:
		return l, nil
	case seal != s.guards.seals.list(l) || byKey && l.Key != uint64(key):
		return l, s.guards.found(doubt("a list is damaged"))
	}
	return l, nil
}

// addList adds a list that is not there.
func (s *Consent) addList(c *conn, l store.List) error {
	seal, err := s.putList(c, insertList, l)
	if err != nil {
		return err
	}
	s.guards.change(aList, l.ID, 0, seal)
	return nil
}

// putList runs a statement that adds a list, and returns its seal.
func (s *Consent) putList(c *conn, statement string, l store.List) (seal uint64, err error) {
	seal = s.guards.seals.list(l)
	_, err = c.exec(statement, l.ID, int64(l.Key), l.Name, l.Description, l.Transactional,
		l.Public, l.ThirdParty, l.Language, l.Sender, l.Footer, micros(l.Created), int64(seal))
	return seal, err
}

// replaceList replaces all of a list but ID, key and creation. One that is
// damaged cannot be replaced: its key could be another one's.
func (s *Consent) replaceList(c *conn, l store.List) error {
	have, err := s.readList(c, selectList, l.ID)
	if err != nil {
		return err
	}
	before := s.guards.seals.list(have)
	l.Key, l.Created = have.Key, have.Created
	seal := s.guards.seals.list(l)
	if _, err := c.exec(updateList, l.Name, l.Description, l.Transactional, l.Public, l.ThirdParty, l.Language, l.Sender, l.Footer,
		int64(seal), l.ID); err != nil {
		return err
	}
	s.guards.change(aList, l.ID, before, seal)
	return nil
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

// ListsShown returns the lists with those IDs and the public ones, and whether
// any list is a third party's. What is damaged of them decides nothing here.
func (s *Consent) ListsShown(ctx context.Context, ids []string) (shown []store.List, thirdParty bool, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		had := make(map[string]bool, len(ids))
		if err := c.query(selectPublic, func(r row) error {
			l := listOf(r)
			shown, had[l.ID] = append(shown, l), true
			return nil
		}); err != nil {
			return err
		}
		for _, id := range ids {
			if had[id] {
				continue
			}
			had[id] = true
			if _, err := c.one(selectList, func(r row) { shown = append(shown, listOf(r)) }, id); err != nil {
				return err
			}
		}
		thirdParty, err = c.one(selectThirdOnes, func(row) {})
		return err
	})
	return shown, thirdParty, fail("lists", err)
}

// UpdateList replaces all of the list with l.ID but ID, key and creation, or
// returns store.ErrNotFound.
func (s *Consent) UpdateList(ctx context.Context, l store.List) error {
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		return s.replaceList(c, l)
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
