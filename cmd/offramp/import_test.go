package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/envelope"
	"offramp/gateway/record"
	"offramp/store"
)

var importNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// taken is an importRow for comparison.
type taken struct {
	Address, List, Reason string
	Since, Until          string
	Note                  string
}

func (m *importer) taken() (all []taken) {
	for _, r := range m.rows {
		all = append(all, taken{r.Target.String(), r.List, string(r.Reason), written(r.Since), written(r.Until), r.Note})
	}
	return all
}

func readText(t testing.TB, text string) *importer {
	t.Helper()
	m := &importer{reason: store.ReasonManual, list: "given.example", now: importNow}
	if err := m.readImport(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return m
}

// Each file in testdata/import is one case; what is read of it stands beside it.
func TestImportReads(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "import", "*.in"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files, %v", err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m := readText(t, string(raw))
		var got bytes.Buffer
		enc := json.NewEncoder(&got)
		enc.SetEscapeHTML(false)
		for _, row := range m.taken() {
			if err := enc.Encode(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := enc.Encode(map[string]any{"read": m.read, "over": m.over, "faulty": m.faulty, "faults": m.faults}); err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(name, ".in") + ".golden"
		if *update {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got.String()); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// What is added is read as imports are, all of it before anything is changed; what
// was recorded once can be removed.
func TestAddresses(t *testing.T) {
	typed := "'@example.org\n# a note\n*.com\n"
	a := &app{stdin: strings.NewReader(typed)}
	if _, err := a.addresses([]string{"-"}, suppressed.narrow); err == nil || !strings.Contains(err.Error(), "public suffix") {
		t.Errorf("*.com is added: %v", err)
	}
	a.stdin = strings.NewReader(typed)
	if got, err := a.addresses([]string{"-"}, anyTarget); err != nil || !slices.Equal(got, []string{"@example.org", "*.com"}) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestImportRefusesHashes(t *testing.T) {
	for _, text := range []string{"sha256,list\nabc,\n", "hash,list\n", "\ufeffHash\n"} {
		m := &importer{now: importNow}
		if err := m.readImport(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "hashes") {
			t.Errorf("%q: %v", text, err)
		}
	}
	long := &importer{now: importNow}
	if err := long.readImport(strings.NewReader("a@example.org\n" + strings.Repeat("x", maxImportLine+1))); err == nil {
		t.Error("a line without end is read")
	}
}

var exportedRecords = []record.Suppression{
	{Recipient: "ada@example.org", List: "letter.example.org", Reason: "unsubscribed", Way: "one-click", Since: importNow.Add(-time.Microsecond), Event: 7},
	{Recipient: "+ada@example.org", Reason: "manual", Way: "operator", Since: importNow.AddDate(-3, 0, 0), Note: `=HYPERLINK("x"), "quoted"`},
	{Recipient: "-a@example.org", List: "=1+1", Reason: "complained", Since: importNow, Note: "'=already guarded"},
	{Recipient: "a b@example.org", Reason: "bounced", Since: importNow, Note: "550 5.1.1, no such user", Event: 9},
	{Recipient: " a@example.org", Reason: "paused-all", Way: "page", Since: importNow, Until: importNow.AddDate(0, 1, 0)},
	{Recipient: "a*@example.org", Reason: "bounced", Since: importNow},
	{Recipient: "*@example.org", Reason: "manual", Since: importNow, Until: importNow.AddDate(9, 0, 0)},
	{Recipient: "@example.org", Reason: "manual", Since: importNow, Until: importNow.AddDate(3, 0, 0), Note: "closed until then"},
	{Recipient: "@*.example.org", List: "letter.example.org", Reason: "bounced", Since: importNow},
	{Recipient: "jürgen@xn--mnchen-3ya.example", Reason: "unsubscribed-all", Way: "mail", Since: importNow},
}

// What we write we read: everything that stops mail comes back as it was.
func TestExportRoundTrips(t *testing.T) {
	for _, format := range []string{"csv", "json"} {
		var out bytes.Buffer
		e := newExporter(&out, exportFlags{format: format, hash: hashNone})
		write(t, e, exportedRecords...)
		write(t, e, record.Suppression{Recipient: "hash-of-eve", Reason: "unsubscribed-all", Since: importNow})
		m := readText(t, out.String())
		var want []taken
		for _, s := range exportedRecords {
			name := s.Recipient
			if !store.IsPattern(name) {
				address, err := envelope.ParseUnquoted(name)
				if err != nil {
					t.Fatal(err)
				}
				name = address.Literal()
			}
			want = append(want, taken{name, s.List, s.Reason, written(s.Since), written(s.Until), s.Note})
		}
		if d := cmp.Diff(want, m.taken()); d != "" || m.faulty > 0 {
			t.Errorf("%s: %s, %q", format, d, m.faults)
		}
		for i, row := range m.rows {
			if row.Target.key() != exportedRecords[i].Recipient {
				t.Errorf("%s: %q comes back as %q", format, exportedRecords[i].Recipient, row.Target.key())
			}
		}
		if e.erased != 1 || strings.Contains(out.String(), "hash-of-eve") {
			t.Errorf("%s: %d erased people left out of %s", format, e.erased, &out)
		}
		for line := range strings.Lines(out.String()) {
			for cell := range strings.SplitSeq(line, ",") {
				if cell = strings.Trim(cell, `"`); format == "csv" && cell != "" && strings.IndexByte("=+-@", cell[0]) >= 0 {
					t.Errorf("a spreadsheet takes %q for a formula", cell)
				}
			}
		}
	}
}

func write(t *testing.T, e *exporter, all ...record.Suppression) {
	t.Helper()
	if e.erased == 0 && len(all) > 1 {
		if err := e.begin(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range all {
		if err := e.write(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.end(); err != nil {
		t.Fatal(err)
	}
}

// A hash is what a partner computes, and no note goes with it.
func TestExportHashes(t *testing.T) {
	for _, c := range []struct{ format, hash, want string }{
		{"csv", hashSHA256, "sha256,list,reason,source,created_at,expires_at,note,event_id\n" +
			"cfe00dde46ef942601ffafb9e2825e802858b460e586b8305b344c1eb826357d,news,manual,operator,2026-11-23T12:00:00Z,,,3\n"},
		{"json", hashKeyed, `{"hash":"kept-as-it-is","list":"news","reason":"manual","source":"operator","created_at":"2026-11-23T12:00:00Z","event_id":3}` + "\n"},
	} {
		var out bytes.Buffer
		e := newExporter(&out, exportFlags{format: c.format, hash: c.hash})
		s := record.Suppression{Recipient: "ada@example.org", List: "news", Reason: "manual", Way: "operator", Since: importNow, Note: "called us", Event: 3}
		if c.hash == hashKeyed {
			s.Recipient = "kept-as-it-is"
		}
		if err := e.begin(); err != nil {
			t.Fatal(err)
		}
		write(t, e, s)
		if d := cmp.Diff(c.want, out.String()); d != "" {
			t.Errorf("%s %s: %s", c.format, c.hash, d)
		}
	}
}

// An import that fails says how much is left, and nothing is counted twice.
func TestImportThatFails(t *testing.T) {
	var calls atomic.Int64
	c := &client{base: "http://localhost", http: http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n := calls.Add(1); n > 5 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"changed":1}`))
	})}}}
	var rows strings.Builder
	for i := range 100 {
		rows.WriteString(string(rune('a'+i%26)) + strings.Repeat("x", i/26+1) + "@example.org\n")
	}
	var stderr bytes.Buffer
	a := &app{stderr: &stderr}
	err := a.apply(t.Context(), c, readText(t, rows.String()).rows)
	if exitCode(err) != exitTempFail || stderr.String() != "5 records imported, 0 already existed.\nNot imported: 95 records. Import the file again.\n" {
		t.Errorf("%v: %s", err, &stderr)
	}
}

// Whatever is imported: each row is a person, a known reason and a list in
// canonical form, and written again it reads the same.
func FuzzImport(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "import", "*.in"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	f.Fuzz(func(t *testing.T, text string) {
		m := &importer{reason: store.ReasonManual, now: importNow}
		if err := m.readImport(strings.NewReader(text)); err != nil {
			return
		}
		var out bytes.Buffer
		e := newExporter(&out, exportFlags{format: "csv", hash: hashNone})
		if err := e.begin(); err != nil {
			t.Fatal(err)
		}
		for _, r := range m.rows {
			write(t, e, record.Suppression{
				Recipient: r.Target.key(), List: r.List, Reason: string(r.Reason), Since: r.Since, Until: r.Until, Note: r.Note,
			})
		}
		if e.erased > 0 || m.read < len(m.rows)+m.faulty+m.over {
			t.Errorf("%d rows without an address, %d read, %d rows, %d faulty", e.erased, m.read, len(m.rows), m.faulty)
		}
		again := &importer{reason: store.ReasonManual, now: importNow}
		if err := again.readImport(bytes.NewReader(out.Bytes())); err != nil {
			t.Fatal(err)
		}
		want := m.taken()
		for i, r := range m.rows { // a record has the key of an address, not its spelling
			want[i].Address = r.Target.key()
		}
		got := again.taken()
		for i, r := range again.rows {
			got[i].Address = r.Target.key()
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s, %q", out.String(), d, again.faults)
		}
	})
}

// No cell is a formula, and each comes back as it was.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{"", "a", "=1", "'=1", "''@", "'", "+", "\t", "\r", "'a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		g := guarded(cell)
		if g != "" && strings.IndexByte("=+-@\t\r", g[0]) >= 0 || unguarded(g) != cell {
			t.Errorf("%q is written %q and read %q", cell, g, unguarded(g))
		}
	})
}
