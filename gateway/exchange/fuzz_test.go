package exchange

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/listunsub"
)

func seeds(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "read", "*.in"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw), "suppression_bounces.csv")
		f.Add(string(raw), "x")
	}
}

// Whatever is read: each record is of somebody, for a known reason and a list in
// canonical form; and written in our own formats it reads the same.
func FuzzRead(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text, name string) {
		o := Options{Name: name, Now: testNow, Soft: true, Ignore: []string{"*"}}
		_, rows, err := readAll(strings.NewReader(text), o)
		if err != nil && !errors.Is(err, ErrFile) {
			t.Fatalf("%v is not about the file", err)
		}
		var want []Record
		for _, row := range rows {
			if strings.Contains(row.Fault, "@") && !strings.Contains(row.Fault, "@example.org, or *.") {
				t.Errorf("a message may name a person: %q", row.Fault)
			}
			if r := row.Record; row.Fault == "" && row.Skip == "" {
				if r.Recipient == "" || r.List != listunsub.CanonicalID(r.List) || r.Since.IsZero() || r.Since.After(testNow) || len(r.Note) > maxNote {
					t.Errorf("%+v", row)
				}
				want = append(want, r)
			}
		}
		for _, format := range []Format{CSV, JSON} {
			again, left := write(t, WriteOptions{Format: format}, want...)
			if left != (Left{}) {
				t.Errorf("%+v is left out of %+v", left, want)
			}
			if len(want) == 0 {
				continue
			}
			got := records(t, again, Options{Now: testNow})
			for i := range got {
				got[i].Source, got[i].Event = want[i].Source, want[i].Event
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: %s\n%s", format, d, again)
			}
		}
	})
}

// Cells are those that encoding/csv finds, where it finds nothing wrong.
func FuzzCells(f *testing.F) {
	for _, seed := range []string{"a,b\nc,d\n", "\"a\"\"b\",\"c\nd\"\r\n,\n", "\"\",\"\"", "\r\n\n \n", "a\rb,c", "\"a\"\r\n\"b\" ,c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\x00") || strings.Contains(text, "\r") && !strings.Contains(text, "\r\n") {
			return
		}
		oracle := csv.NewReader(strings.NewReader(text))
		oracle.FieldsPerRecord = -1
		want, err := oracle.ReadAll()
		if err != nil {
			return
		}
		c := cells{r: bufio.NewReader(strings.NewReader(text)), comma: ','}
		for i := 0; ; i++ {
			row, _, err := c.next()
			if err == io.EOF && i == len(want) {
				return
			}
			if err != nil || i == len(want) {
				t.Fatalf("%q: row %d: %q, %v; want %q", text, i, row, err, want)
			}
			// encoding/csv turns CRLF within a cell into LF.
			for j := range row {
				row[j] = strings.ReplaceAll(row[j], "\r\n", "\n")
			}
			if !slices.Equal(row, want[i]) {
				t.Fatalf("%q: row %d: %q, want %q", text, i, row, want[i])
			}
		}
	})
}

// No cell is a formula, and each comes back as it was.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{"", "a", "=1", "'=1", "''@", "'", "+", "\t", "\r", "'a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		g := Guarded(cell)
		if g != "" && strings.IndexByte("=+-@\t\r", g[0]) >= 0 || Unguarded(g) != cell {
			t.Errorf("%q is written %q and read %q", cell, g, Unguarded(g))
		}
	})
}
