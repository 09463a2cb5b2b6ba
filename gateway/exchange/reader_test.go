package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files")

var testNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// readAll reads a file; its error is one about the whole.
func readAll(in io.Reader, o Options) (format Format, rows []Row, err error) {
	r, err := NewReader(in, o)
	if err != nil {
		return "", nil, err
	}
	for {
		row, err := r.Next()
		if err == io.EOF {
			return r.Format(), rows, nil
		}
		if err != nil {
			return r.Format(), rows, err
		}
		rows = append(rows, row)
	}
}

// Each file of testdata/read is one case. Its golden file says why it is there, how it
// is read, and what is in it.
func TestRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "read", "*.in"))
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(name, ".in") + ".golden"
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.SplitN(string(want), "\n", 3)
		o := Options{Now: testNow}
		why, ok := strings.CutPrefix(parts[0], "why: ")
		options, given := strings.CutPrefix(parts[1], "options: ")
		if err := json.Unmarshal([]byte(options), &o); err != nil || !ok || !given || why == "" {
			t.Fatalf("%s: %v", golden, err)
		}
		got := bytes.NewBufferString(parts[0] + "\n" + parts[1] + "\n")
		enc := json.NewEncoder(got)
		enc.SetEscapeHTML(false)
		format, rows, err := readAll(bytes.NewReader(raw), o)
		_, _ = got.WriteString("format: " + string(format) + "\n")
		for _, row := range rows {
			if err := enc.Encode(shown(row)); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			_, _ = got.WriteString("error: " + err.Error() + "\n")
			if !errors.Is(err, ErrFile) {
				t.Errorf("%s: %v is not about the file", name, err)
			}
		}
		if *update {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(string(want), got.String()); d != "" && !*update {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// shown is a row for a golden file.
func shown(row Row) any {
	switch {
	case row.Fault != "":
		return map[string]any{"line": row.Line, "fault": row.Fault}
	case row.Skip != "":
		return map[string]any{"line": row.Line, "skip": row.Skip}
	}
	r := row.Record
	return struct {
		Line                       int64
		Recipient, List, Reason    string
		Since, Until, Note, Source string `json:",omitempty"`
	}{row.Line, r.Recipient, r.List, string(r.Reason), stamp(r.Since), stamp(r.Until), r.Note, r.Source}
}

// Memory does not grow with a line, a quoted cell or a value that does not end.
func TestReadIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ head, fill, want string }{
		"line":        {"a@example.org\n", "x", "line 2: longer than 1 MiB"},
		"row":         {"email,note\nada@example.org,", "x", "line 2: row longer than 1 MiB"},
		"quoted cell": {"email,note\nada@example.org,\"", "x\n", "line 2: a quoted cell does not end within 1 MiB"},
		"json line":   {"{\"email\":\"a@example.org\"}\n{\"email\":\"", "x", "line 2: longer than 1 MiB"},
		"json value":  {"{\"Suppressions\":[\n{\"EmailAddress\":\"a@example.org\",\"SuppressionReason\":\"HardBounce\"},\n{\"Origin\":\"", "x", "a value longer than 1 MiB"},
		"paging":      {"{\"paging\":\"", "x", "longer than 1 MiB"},
		"header":      {"", "x,", "line 1: no known header"},
	} {
		endless := io.MultiReader(strings.NewReader(c.head), io.LimitReader(repeated(c.fill), 64<<20))
		counted := &countingReader{in: endless}
		_, _, err := readAll(counted, Options{Now: testNow})
		if !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if counted.n > 8<<20 {
			t.Errorf("%s: %d bytes were read", name, counted.n)
		}
	}
}

type repeated string

func (r repeated) Read(p []byte) (int, error) {
	n := 0
	for n+len(r) <= len(p) {
		n += copy(p[n:], r)
	}
	return n, nil
}

type countingReader struct {
	in io.Reader
	n  int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

// Every format that can be given reads its own file, and no other's.
func TestFormatGiven(t *testing.T) {
	for _, format := range Formats() {
		raw, err := os.ReadFile(filepath.Join("testdata", "read", "excel-semicolon.in"))
		if err != nil {
			t.Fatal(err)
		}
		_, rows, err := readAll(bytes.NewReader(raw), Options{Format: Format(format), Now: testNow})
		taken := slices.ContainsFunc(rows, func(r Row) bool { return r.Fault == "" })
		if takes := format == "auto" || format == "csv"; (err == nil && taken) != takes {
			t.Errorf("%s: %v, %+v", format, err, rows)
		}
	}
}
