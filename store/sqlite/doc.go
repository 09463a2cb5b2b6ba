// Package sqlite is the embedded engine behind store.Consent and store.Spool.
//
// It keeps two files in one folder: offramp.db (lists, choices, suppressions,
// events) and spool.db (mail). Both use SQLite's write-ahead log with
// synchronous=FULL. Each file has one writer connection, owned by one
// goroutine: all operations that wait at one moment become one transaction
// and share its fsync (group commit, no timer). Reads run beside it on a pool
// of read-only connections.
//
// One process serves from a folder at a time; a lock file makes sure of it.
package sqlite
