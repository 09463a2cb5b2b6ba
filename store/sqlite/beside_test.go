package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

// interfering is a file beside which another program writes at the worst moment.
type interfering struct {
	rawFile
	before func()
}

func (f interfering) WriteAt(b []byte, at int64) (int, error) {
	f.before()
	return f.rawFile.WriteAt(b, at)
}

// Another program that takes free pages into use, as a VACUUM or an INSERT of the
// sqlite3 shell does, has to wait: what it wrote would be overwritten.
func TestAnotherProgramWritesBesideAPass(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, Options{Dir: dir})
	fillFree(t, db)
	other, err := openConn(dsn(filepath.Join(dir, spoolFile), forWriting, time.Millisecond))
	must(t, err)
	must(t, other.pragma("CREATE TABLE other (x BLOB)"))
	wrote := 0
	db.spool.file.openRaw = func(path string) (rawFile, error) {
		raw, err := openRaw(path)
		return interfering{raw, func() {
			if other.pragma("INSERT INTO other VALUES (randomblob(2000000))") == nil {
				wrote++
				must(t, other.pragma("PRAGMA wal_checkpoint(PASSIVE)"))
			}
		}}, err
	}
	o, err := db.spool.overwrite(context.Background())
	must(t, err)
	rounds(t, o)
	wantWhole(t, db)
	must(t, other.close())
	if wrote > 0 {
		t.Errorf("it wrote %d times", wrote)
	}
}
