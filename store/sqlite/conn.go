package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

// mode says what a connection is for.
type mode int

const (
	forWriting mode = iota
	forReading
)

// dsn returns the data source name of a database file. Everything that
// SQLite keeps per connection is set here, so that no connection misses it.
func dsn(path string, m mode, busy time.Duration) string {
	q := url.Values{}
	q.Set("_busy_timeout", fmt.Sprint(busy.Milliseconds()))
	q.Set("_foreign_keys", "on")
	q.Set("_synchronous", "FULL")
	// A connection is used by one goroutine at a time.
	q.Set("_mutex", "no")
	if m == forReading {
		q.Set("mode", "ro")
		q.Set("_query_only", "on")
		q.Set("_cache_size", "-2048")
	} else {
		q.Set("mode", "rwc")
		q.Set("_journal_mode", "WAL")
		q.Set("_txlock", "immediate")
		q.Set("_cache_size", "-16384")
		q.Set("_secure_delete", secureDelete(filepath.Base(path)))
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

// secureDelete has what is deleted overwritten with zeros: what a person had
// erased must not be left in the file. In the spool, which is rewritten all
// the time, free pages wait for the [Scrubber], since overwriting them doubles
// the work.
func secureDelete(name string) string {
	if name == spoolFile {
		return "FAST"
	}
	return "ON"
}

// conn is one connection with the statements prepared on it. It drives the
// driver without database/sql between them, which would cost a lock, a
// goroutine switch and several allocations for each of the many small
// statements of a batch. Not safe for simultaneous use.
type conn struct {
	c     *sqlite3.SQLiteConn
	stmts map[string]*sqlite3.SQLiteStmt
	args  []driver.NamedValue
	row   []driver.Value
	// written counts rows changed since it was last set to zero.
	written int64
}

func openConn(dsn string) (*conn, error) {
	dc, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, mapped(err)
	}
	return &conn{c: dc.(*sqlite3.SQLiteConn), stmts: make(map[string]*sqlite3.SQLiteStmt)}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	c.stmts = nil
	return errors.Join(append(errs, c.c.Close())...)
}

func (c *conn) stmt(query string) (*sqlite3.SQLiteStmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	ds, err := c.c.Prepare(query)
	if err != nil {
		return nil, mapped(err)
	}
	s := ds.(*sqlite3.SQLiteStmt)
	c.stmts[query] = s
	return s, nil
}

// bind turns args into driver values. Types are those of driver.Value and int.
func (c *conn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		if n, ok := a.(int); ok {
			a = int64(n)
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

// exec runs a statement and returns how many rows it changed.
func (c *conn) exec(query string, args ...any) (int64, error) {
	s, err := c.stmt(query)
	if err != nil {
		return 0, err
	}
	// Statements are short and a batch belongs to many callers: none of them
	// may interrupt it, hence no context.
	r, err := s.ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, mapped(err)
	}
	n, err := r.RowsAffected()
	c.written += n
	return n, err
}

// pragma runs a statement outside the prepared ones.
func (c *conn) pragma(text string) error {
	_, err := c.c.ExecContext(context.Background(), text, nil)
	return mapped(err)
}

// query runs a statement and hands each row to each, which must not keep the
// slice, nor use c. An error of each ends the query.
func (c *conn) query(query string, each func(r row) error, args ...any) (err error) {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), c.bind(args))
	if err != nil {
		return mapped(err)
	}
	if !strings.HasPrefix(query, "SELECT") {
		c.written++ // a change that returns rows
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = mapped(cerr)
		}
	}()
	dest := c.row[:0]
	for range rows.Columns() {
		dest = append(dest, nil)
	}
	c.row = dest
	for {
		if err := rows.Next(dest); err == io.EOF {
			return nil
		} else if err != nil {
			return mapped(err)
		}
		if err := each(dest); err != nil {
			return err
		}
	}
}

// interruptible is query for what takes long: it ends with ctx.
func (c *conn) interruptible(ctx context.Context, query string, each func(r row) error, args ...any) (err error) {
	rows, err := c.c.QueryContext(ctx, query, c.bind(args))
	if err != nil {
		return mapped(err)
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = mapped(cerr)
		}
	}()
	dest := make(row, len(rows.Columns()))
	for {
		if err := rows.Next(dest); err == io.EOF {
			return ctx.Err()
		} else if err != nil {
			return mapped(err)
		}
		if err := each(dest); err != nil {
			return err
		}
	}
}

// one runs a statement that yields at most one row; found is false without one.
func (c *conn) one(query string, each func(r row), args ...any) (found bool, err error) {
	err = c.query(query, func(r row) error {
		found = true
		each(r)
		return nil
	}, args...)
	return found, err
}

// rollback ends a transaction that may or may not be open any more: SQLite
// ends it by itself after some errors.
func (c *conn) rollback() error {
	if c.c.AutoCommit() {
		return nil
	}
	_, err := c.exec("ROLLBACK")
	return err
}

// row is one row of an answer.
type row []driver.Value

func (r row) int(i int) int64 {
	n, _ := r[i].(int64)
	return n
}

func (r row) bool(i int) bool { return r.int(i) != 0 }

func (r row) text(i int) string {
	switch v := r[i].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// blob returns bytes of which the caller becomes the owner; nil for none.
func (r row) blob(i int) []byte {
	switch v := r[i].(type) {
	case []byte:
		if len(v) > 0 {
			return v
		}
	case string:
		return []byte(v)
	}
	return nil
}

func (r row) time(i int) time.Time { return time.UnixMicro(r.int(i)).UTC() }

// micros is how a time is kept: microseconds since 1970.
func micros(t time.Time) int64 { return t.UnixMicro() }
