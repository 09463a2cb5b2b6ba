package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"

	"offramp/store"
)

//go:embed migrations
var migrations embed.FS

// migrationsOf returns the migrations of one database file, forward only.
func migrationsOf(name string) (fs.FS, error) {
	return fs.Sub(migrations, "migrations/"+strings.TrimSuffix(name, ".db"))
}

// migrate brings a file to the schema of this release. The caller holds the
// lock of the folder, so no two processes migrate at once.
func migrate(ctx context.Context, dsn, name string) (err error) {
	sub, err := migrationsOf(name)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return mapped(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sub,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("schema version: %w", mapped(err))
	}
	if current > target {
		return newer(current, target)
	}
	if current == target {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migration: %w", mapped(err))
	}
	return nil
}

func newer(current, target int64) error {
	return fmt.Errorf("%w: its schema is version %d, this release knows version %d; start the newer release, or restore a backup",
		store.ErrNewer, current, target)
}

// checkSchema refuses a file whose schema is not the one of this release.
func checkSchema(ctx context.Context, f *file, name string) error {
	sub, err := migrationsOf(name)
	if err != nil {
		return err
	}
	names, err := fs.Glob(sub, "*.sql")
	if err != nil {
		return err
	}
	target, err := goose.NumericComponent(names[len(names)-1])
	if err != nil {
		return err
	}
	var current int64
	err = f.readers.do(ctx, func(c *conn) (err error) {
		current, err = schemaOf(c)
		return err
	})
	switch {
	case err != nil:
		return errors.Join(fmt.Errorf("%s: %w", f.path, unavailable(err)), f.readers.close())
	case current > target:
		return errors.Join(fmt.Errorf("%s: %w", f.path, newer(current, target)), f.readers.close())
	case current < target:
		return errors.Join(fmt.Errorf("%s: %w: start the server once to bring it up to date", f.path, store.ErrOlder), f.readers.close())
	}
	return nil
}

func schemaOf(c *conn) (version int64, err error) {
	_, err = c.one("SELECT max(version_id) FROM goose_db_version", func(r row) { version = r.int(0) })
	return version, err
}

// The first schema with a choice of the default stream, and the stream before.
const (
	streamSchema = 4
	oldestStream = "list"
)

// EarlierStream is [Consent.EarlierStream] of a folder that an older release
// wrote, which Open does not read. It changes nothing.
func EarlierStream(ctx context.Context, dir string) (stream string, err error) {
	readers := newPool(dsn(filepath.Join(dir, consentFile), forReading, Options{}.withDefaults().BusyTimeout), 1)
	defer func() { err = errors.Join(err, readers.close()) }()
	err = readers.do(ctx, func(c *conn) error {
		version, err := schemaOf(c)
		if err != nil {
			return err
		}
		if version < streamSchema {
			stream = oldestStream
			return nil
		}
		_, err = c.one(selectMeta, func(r row) { stream = string(r.blob(0)) }, metaStream)
		return err
	})
	return stream, fail("earlier stream", err)
}
