package powerloss_test

import (
	"bytes"
	"database/sql"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"offramp/store/powerloss"
)

// use works with a database in dir until it is closed again.
func use(t *testing.T, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "a.db")+"?_journal_mode=WAL&_synchronous=FULL")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, q := range []string{
		"CREATE TABLE IF NOT EXISTS t (x)", "INSERT INTO t VALUES (zeroblob(10000))", "PRAGMA wal_checkpoint(TRUNCATE)",
		"DELETE FROM t", "VACUUM", "INSERT INTO t VALUES (randomblob(20000))",
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// What was recorded makes the files that are there, byte by byte; without a
// recorder nothing is recorded.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	r, err := powerloss.Record(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := powerloss.Record(dir); err == nil {
		t.Fatal("two recorders at once")
	}
	r.Note("begin")
	use(t, dir)
	r.Note("again")
	use(t, dir)
	use(t, t.TempDir()) // elsewhere
	steps, err := r.Stop()
	if err != nil {
		t.Fatal(err)
	}
	n := len(steps)
	disk, kinds := powerloss.NewDisk(), map[powerloss.Kind]int{}
	for _, s := range steps {
		disk.Apply(s)
		kinds[s.Kind]++
	}
	for k := powerloss.Open; k <= powerloss.Note; k++ {
		if kinds[k] == 0 && k != powerloss.DeleteBoth { // SQLite syncs deletions with synchronous=EXTRA
			t.Errorf("no step of kind %d", k)
		}
	}
	want := map[string][]byte{}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if want[f.Name()], err = os.ReadFile(filepath.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if len(want) != 1 || len(want["a.db"]) < 20_000 {
		t.Fatalf("files: %v", slices.Collect(maps.Keys(want)))
	}
	random := rand.New(rand.NewPCG(1, 1))
	if !slices.ContainsFunc(make([]int, 40), func(int) bool { // a loss of nothing is one of them
		return maps.EqualFunc(disk.Crash(random), want, bytes.Equal)
	}) {
		t.Error("no state is that of the files")
	}

	r, err = powerloss.Record(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	use(t, dir)
	if more, err := r.Stop(); err != nil || len(more) != 0 || len(steps) != n {
		t.Errorf("%d steps of another folder, error %v", len(more), err)
	}
}
