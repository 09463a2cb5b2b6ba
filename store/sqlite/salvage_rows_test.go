package sqlite

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"offramp/store"
)

// rootPage is where a table or an index of the spool begins.
func rootPage(t *testing.T, dir, name string) (page int64) {
	t.Helper()
	c, err := openConn(dsn(filepath.Join(dir, spoolFile), forWriting, time.Second))
	must(t, err)
	_, err = c.one("SELECT rootpage FROM sqlite_schema WHERE name = ?", func(r row) { page = r.int(0) }, name)
	must(t, err)
	must(t, c.close())
	return page
}

// changePage hands one page of the spool to change.
func changePage(t *testing.T, dir string, page int64, change func([]byte)) {
	t.Helper()
	path, size := filepath.Join(dir, spoolFile), int64(pageSize(spoolFile))
	file, err := os.ReadFile(path)
	must(t, err)
	change(file[(page-1)*size : page*size])
	must(t, os.WriteFile(path, file, 0o600))
}

// A message whose list, envelope or placeholders are not what was written gets no
// new checksum: it is named, and not sent to people who left its list.
func TestSalvageLeavesOutWhatItsSealDoesNotFit(t *testing.T) {
	dir := t.TempDir()
	queued(t, dir, 4)
	c, err := openConn(dsn(filepath.Join(dir, spoolFile), forWriting, time.Second))
	must(t, err)
	for _, damage := range []string{
		"UPDATE messages SET list = 'other.example' WHERE id = 'Q001'",
		"UPDATE messages SET reverse_path = 'grom@x.example' WHERE id = 'Q002'",
		"UPDATE messages SET parts = '[{' WHERE id = 'Q003'",
	} {
		_, err := c.exec(damage)
		must(t, err)
	}
	must(t, c.close())
	changePage(t, dir, rootPage(t, dir, "sqlite_autoindex_messages_1"), func(b []byte) { clear(b) })
	done, err := Salvage(context.Background(), Options{Dir: dir})
	if err != nil || !done.Damaged || done.Kept != 1 || len(done.Lost) != 3 {
		t.Fatalf("%+v, %v", done, err)
	}
	all, err := openTest(t, Options{Dir: dir}).Spool().Queue(context.Background(), store.QueueFilter{})
	if err != nil || len(all) != 1 || all[0].Message.ID != "Q000" {
		t.Errorf("kept %+v, %v", all, err)
	}
}

// Rows that are not in their order are damage, and no reason to read the same
// rows for ever.
func TestSalvageOfRowsOutOfOrder(t *testing.T) {
	whole := t.TempDir()
	queued(t, whole, 5)
	for _, table := range []string{"messages", "recipients", "sqlite_autoindex_messages_1"} {
		page := rootPage(t, whole, table)
		for first := range 5 {
			for second := range first {
				dir := t.TempDir()
				for _, name := range []string{consentFile, spoolFile} {
					file, err := os.ReadFile(filepath.Join(whole, name))
					must(t, err)
					must(t, os.WriteFile(filepath.Join(dir, name), file, 0o600))
				}
				changePage(t, dir, page, func(b []byte) {
					cells := b[8:]
					if b[0] < 8 {
						cells = b[12:] // an inner page
					}
					if int(binary.BigEndian.Uint16(b[3:])) <= first {
						return
					}
					one, other := binary.BigEndian.Uint16(cells[2*first:]), binary.BigEndian.Uint16(cells[2*second:])
					binary.BigEndian.PutUint16(cells[2*first:], other)
					binary.BigEndian.PutUint16(cells[2*second:], one)
				})
				ended := make(chan error, 1)
				go func() {
					_, err := Salvage(context.Background(), Options{Dir: dir})
					ended <- err
				}()
				select {
				case err := <-ended:
					must(t, err)
				case <-time.After(20 * time.Second):
					t.Fatalf("%s, cells %d and %d: it does not end", table, first, second)
				}
			}
		}
	}
}
