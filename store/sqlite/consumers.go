package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"offramp/store"
)

const (
	consumerColumns = "name, kind, settings, lists, kinds, state, created, cursor, done, skip, failing, stuck, attempts, next, error, missed, version"
	selectConsumer  = "SELECT " + consumerColumns + ", seal, holder, until FROM consumers WHERE name = ?"
	selectConsumers = "SELECT " + consumerColumns + ", seal, holder, until FROM consumers ORDER BY name"
	countConsumers  = "SELECT count(*) FROM consumers"
	insertConsumer  = "INSERT INTO consumers (" + consumerColumns + ", seal, holder, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	updateConsumer  = `UPDATE consumers SET kind = ?2, settings = ?3, lists = ?4, kinds = ?5, state = ?6, created = ?7, cursor = ?8, done = ?9, skip = ?10,
		failing = ?11, stuck = ?12, attempts = ?13, next = ?14, error = ?15, missed = ?16, version = ?17, seal = ?18, holder = ?19, until = ?20 WHERE name = ?1`
	endLeases      = "UPDATE consumers SET holder = x'', until = 0 WHERE until > 0"
	deleteConsumer = "DELETE FROM consumers WHERE name = ?"
)

// AddConsumer adds a consumer and its reader.
func (s *Consent) AddConsumer(ctx context.Context, one store.Consumer) error {
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		full := false
		if _, err := c.one(countConsumers, func(r row) { full = r.int(0) >= store.MaxConsumers }); err != nil {
			return err
		}
		switch _, err := s.consumer(c, one.Name); {
		case err == nil:
			return store.ErrChanged
		case !errors.Is(err, store.ErrNotFound):
			return err
		case full:
			return fmt.Errorf("%w: no more consumers than %d", store.ErrFull, store.MaxConsumers)
		}
		fresh := one
		fresh.Version, fresh.Holder, fresh.Until = 1, [16]byte{}, time.Time{}
		if err := s.putConsumer(c, insertConsumer, fresh); err != nil {
			return err
		}
		_, err := c.exec(putReader, fresh.Name, fresh.Cursor, micros(fresh.Created))
		return err
	}})
	return fail("add consumer", err)
}

// Consumer returns a consumer or store.ErrNotFound.
func (s *Consent) Consumer(ctx context.Context, name string) (one store.Consumer, err error) {
	err = s.file.readers.do(ctx, func(c *conn) (err error) {
		one, err = s.consumer(c, name)
		return err
	})
	return one, fail("consumer", err)
}

// Consumers returns all consumers by name.
func (s *Consent) Consumers(ctx context.Context) (all []store.Consumer, err error) {
	err = s.file.readers.do(ctx, func(c *conn) error {
		return c.query(selectConsumers, func(r row) error {
			all = append(all, s.consumerOf(r))
			return nil
		})
	})
	return all, fail("consumers", err)
}

// ChangeConsumer replaces what the operator sets of a consumer.
func (s *Consent) ChangeConsumer(ctx context.Context, one store.Consumer) error {
	err := s.changeConsumer(ctx, one.Name, func(have *store.Consumer) error {
		if have.Version != one.Version {
			return store.ErrChanged
		}
		next := store.Consumer{
			Name: have.Name, Kind: one.Kind, Settings: one.Settings, Lists: one.Lists, Kinds: one.Kinds, State: one.State, Created: one.Created,
			Cursor: one.Cursor, Skip: one.Skip, Version: have.Version + 1, Holder: have.Holder, Until: have.Until,
		}
		if one.Cursor == have.Cursor {
			next.Done = have.Done
		}
		*have = next
		return nil
	})
	return fail("change consumer", err)
}

// RemoveConsumer removes a consumer and its reader.
func (s *Consent) RemoveConsumer(ctx context.Context, name string) error {
	err := s.file.write(ctx, &op{frees: true, run: func(c *conn) error {
		n, err := c.exec(deleteConsumer, name)
		if err == nil && n == 0 {
			return store.ErrNotFound
		}
		if err == nil {
			_, err = c.exec(deleteReader, name)
		}
		return err
	}})
	return fail("remove consumer", err)
}

// LeaseConsumer makes holder the one who sends events to a consumer.
func (s *Consent) LeaseConsumer(ctx context.Context, name string, holder [16]byte, now, until time.Time) (one store.Consumer, err error) {
	err = s.changeConsumer(ctx, name, func(have *store.Consumer) error {
		if have.Holder != holder && have.Until.After(now) {
			return store.ErrHeld
		}
		have.Holder, have.Until = holder, kept(until)
		one = *have
		return nil
	})
	if err != nil {
		return store.Consumer{}, fail("lease consumer", err)
	}
	return one, nil
}

// RecordProgress records how far a consumer came.
func (s *Consent) RecordProgress(ctx context.Context, p store.Progress) error {
	err := s.file.write(ctx, &op{run: func(c *conn) error {
		have, err := s.consumer(c, p.Name)
		switch {
		case err != nil:
			return err
		case have.Holder != p.Holder:
			return store.ErrHeld
		case have.Version != p.Version || have.Damaged:
			return store.ErrChanged
		}
		have.Cursor, have.State, have.Missed, have.Until = max(have.Cursor, p.Cursor), p.State, have.Missed+p.Missed, p.Until
		have.Done = slices.DeleteFunc(slices.Clone(p.Done), func(id int64) bool { return id <= have.Cursor })
		have.Failing, have.Stuck, have.Attempts, have.Next, have.Error = p.Failing, p.Stuck, p.Attempts, p.Next, p.Error
		if have.Skip <= have.Cursor {
			have.Skip = 0
		}
		if err := s.putConsumer(c, updateConsumer, have); err != nil {
			return err
		}
		_, err = c.exec(putReader, p.Name, have.Cursor, micros(p.Now))
		return err
	}})
	return fail("record progress", err)
}

// ReleaseConsumer ends a lease.
func (s *Consent) ReleaseConsumer(ctx context.Context, name string, holder [16]byte) error {
	err := s.changeConsumer(ctx, name, func(have *store.Consumer) error {
		if have.Holder == holder {
			have.Holder, have.Until = [16]byte{}, time.Time{}
		}
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return fail("release consumer", err)
}

// changeConsumer reads a consumer and writes what change makes of it.
func (s *Consent) changeConsumer(ctx context.Context, name string, change func(*store.Consumer) error) error {
	return s.file.write(ctx, &op{run: func(c *conn) error {
		have, err := s.consumer(c, name)
		if err != nil {
			return err
		}
		damaged := have.Damaged
		if err := change(&have); err != nil {
			return err
		}
		if damaged && have.Damaged { // only what sets it anew may give it a checksum again
			_, err := c.exec(leaseDamaged, have.Holder[:], optional(have.Until), name)
			return err
		}
		return s.putConsumer(c, updateConsumer, have)
	}})
}

const leaseDamaged = "UPDATE consumers SET holder = ?, until = ? WHERE name = ?"

func (s *Consent) consumer(c *conn, name string) (one store.Consumer, err error) {
	found, err := c.one(selectConsumer, func(r row) { one = s.consumerOf(r) }, name)
	if err == nil && !found {
		err = store.ErrNotFound
	}
	return one, err
}

// consumerOf reads a row. One that is damaged is returned as far as it is legible,
// without settings, so that the others are served.
func (s *Consent) consumerOf(r row) store.Consumer {
	one := store.Consumer{
		Name: r.text(0), Kind: r.text(1), State: store.ConsumerState(r.text(5)), Created: r.time(6), Cursor: r.int(7), Skip: r.int(9),
		Failing: r.optional(10), Stuck: r.int(11), Attempts: int(r.int(12)), Next: r.optional(13), Error: r.text(14),
		Missed: r.int(15), Version: r.int(16), Until: r.optional(19),
	}
	copy(one.Holder[:], r.blob(18))
	lists, whole := texts(r.blob(3))
	kinds, also := texts(r.blob(4))
	one.Lists = lists
	done, too := numbers(one.Cursor, r.blob(8))
	one.Done = done
	for _, kind := range kinds {
		one.Kinds = append(one.Kinds, store.EventKind(kind))
	}
	if s.guards.seals == nil {
		return one // read without the key of the data
	}
	settings, legible := s.people.unsealed(one.Name, r.blob(2))
	one.Settings = settings
	if !whole || !also || !too || !legible || r.seal(17) != s.guards.seals.consumer(one, r.blob(2)) {
		one.Damaged, one.Settings = true, nil
	}
	return one
}

// putConsumer writes a whole row.
func (s *Consent) putConsumer(c *conn, statement string, one store.Consumer) error {
	settings, err := s.people.sealed(s.ledger.random, one.Name, one.Settings)
	if err != nil {
		return err
	}
	one.Created = kept(one.Created)
	_, err = c.exec(statement, one.Name, one.Kind, settings, appendTexts(nil, one.Lists), appendTexts(nil, kindTexts(one.Kinds)),
		string(one.State), micros(one.Created), one.Cursor, appendNumbers(one.Cursor, one.Done), one.Skip, optional(one.Failing), one.Stuck, one.Attempts, optional(one.Next),
		one.Error, one.Missed, one.Version, int64(s.guards.seals.consumer(one, settings)), one.Holder[:], optional(one.Until))
	return err
}

func kindTexts(kinds []store.EventKind) []string {
	var all []string
	for _, kind := range kinds {
		all = append(all, string(kind))
	}
	return all
}

// appendNumbers writes numbers that grow, each as the difference from the one before.
func appendNumbers(from int64, all []int64) []byte {
	b := []byte{}
	for _, n := range all {
		b = binary.AppendUvarint(b, uint64(n-from))
		from = n
	}
	return b
}

// numbers reads what appendNumbers wrote.
func numbers(from int64, b []byte) (all []int64, whole bool) {
	for len(b) > 0 {
		n, used := binary.Uvarint(b)
		if used <= 0 {
			return nil, false
		}
		from += int64(n)
		all, b = append(all, from), b[used:]
	}
	return all, true
}
