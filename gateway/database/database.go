// Package database runs a statement of the operator's, in a database of the
// operator's, for every event: its values are bound variables, never text of the
// statement.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"offramp/gateway/outbox"
	"offramp/store"
)

// Database is where the statement is run. One batch is one transaction, and one
// runs at a time, so that events come in their order.
type Database struct {
	Log *slog.Logger

	dialect   Dialect
	statement Statement
	db        *sql.DB
}

// New opens the database of the settings, without connecting to it: it may be
// away when the server starts. The error names the variable.
func New(c Config) (*Database, error) {
	s, err := readServer(c.URL)
	if err != nil {
		return nil, fmt.Errorf("OFFRAMP_SQL_URL: %w", err)
	}
	statement, err := ParseStatement(c.Statement, s.dialect)
	if err != nil {
		return nil, fmt.Errorf("OFFRAMP_SQL_STATEMENT: %w", err)
	}
	db, err := s.open()
	if err != nil {
		return nil, fmt.Errorf("OFFRAMP_SQL_URL: %w", err)
	}
	return &Database{slog.New(slog.DiscardHandler), s.dialect, statement, db}, nil
}

// ErrAway says that the database does not answer now.
var ErrAway = errors.New("no answer")

// Close closes the connection.
func (d *Database) Close() error { return d.db.Close() }

// batch is how many events one transaction has at most.
const batch = 200

// Kind is how the outbox reaches the database.
func (d *Database) Kind() outbox.Kind {
	return outbox.Kind{Open: func(store.Consumer) (outbox.Receiver, error) { return d, nil }, Lanes: 1, Batch: batch, Longest: batchWithin}
}

// Check has the server look at the statement: whether its tables and columns
// exist, and what types its variables have.
func (d *Database) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, batchWithin)
	defer cancel()
	s, err := d.db.PrepareContext(ctx, d.statement.Text)
	switch {
	case err == nil:
		return s.Close()
	case away(err) || ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrAway, failure(err))
	}
	return failure(err)
}

// Send runs the statement for events in one transaction. Where the server
// refuses it for one of them, those before are done.
func (d *Database) Send(ctx context.Context, events []store.Event) (done int, err error) {
	if len(events) == 0 {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, batchWithin)
	defer cancel()
	refused, err := d.transaction(ctx, events)
	if err == nil {
		return len(events), nil
	}
	d.Log.Debug("the database did not take events", "error", err)
	fault := failure(err)
	var f *outbox.Failure
	if refused > 0 && errors.As(fault, &f) && f.Refused {
		if _, again := d.transaction(ctx, events[:refused]); again == nil {
			return refused, fault
		}
	}
	return 0, fault
}

// transaction runs the statement for all events, or for none. at is the event at
// which it failed.
func (d *Database) transaction(ctx context.Context, events []store.Event) (at int, err error) {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // of no effect after Commit
	run := func(values []any) error {
		_, err := tx.ExecContext(ctx, d.statement.Text, values...)
		return err
	}
	if d.dialect == MySQL { // its driver prepares for each call otherwise
		prepared, err := tx.PrepareContext(ctx, d.statement.Text)
		if err != nil {
			return 0, fmt.Errorf("statement: %w", err)
		}
		defer prepared.Close()
		run = func(values []any) error {
			_, err := prepared.ExecContext(ctx, values...)
			return err
		}
	}
	for i, e := range events {
		if err := run(d.statement.values(e)); err != nil {
			return i, fmt.Errorf("event %d: %w", e.ID, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return 0, fmt.Errorf("commit: %w", err)
	}
	return 0, nil
}
