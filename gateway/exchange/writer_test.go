package exchange

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/store"
)

// exported are records by recipient, as a store has them.
var exported = []Record{
	{Recipient: " a@example.org", Reason: "paused-all", Source: "page", Since: testNow, Until: testNow.AddDate(0, 1, 0)},
	{Recipient: "+ada@example.org", Reason: "manual", Since: testNow.AddDate(-3, 0, 0), Note: `=HYPERLINK("x"), "quoted"`},
	{Recipient: "-a@example.org", List: "=1+1", Reason: "complained", Since: testNow, Note: "'=already guarded"},
	{Recipient: "@*.example.org", List: "letter.example.org", Reason: "bounced", Since: testNow},
	{Recipient: "@example.org", Reason: "manual", Since: testNow, Until: testNow.AddDate(3, 0, 0), Note: "closed until then"},
	{Recipient: "a b@example.org", Reason: "bounced", Since: testNow, Note: "5.1.1 550 5.1.1, no such user", Event: 9},
	{Recipient: "a*@example.org", Reason: "bounced", Since: testNow},
	{Recipient: "ada@example.org", Reason: "bounced", Since: testNow.Add(-time.Hour), Note: "550"},
	{Recipient: "ada@example.org", Reason: "complained", Since: testNow},
	{Recipient: "ada@example.org", List: "letter.example.org", Reason: "unsubscribed", Source: "one-click", Since: testNow.Add(-time.Microsecond), Event: 7},
	{Recipient: "ada@example.org", List: "offers.example.org", Reason: "unsubscribed", Source: "one-click", Since: testNow},
	{Recipient: "ben@example.org", Reason: "unsubscribed-all", Source: "mail", Since: testNow},
	{Recipient: "jürgen@xn--mnchen-3ya.example", List: "letter.example.org", Reason: "unsubscribed", Source: "mail", Since: testNow},
	{Recipient: "~hash-of-eve", Reason: "unsubscribed-all", Since: testNow},
}

func write(t testing.TB, o WriteOptions, all ...Record) (string, Left) {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	left, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), left
}

func records(t testing.TB, text string, o Options) (all []Record) {
	t.Helper()
	_, rows, err := readAll(strings.NewReader(text), o)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, row := range rows {
		if row.Fault != "" || row.Skip != "" {
			t.Errorf("%+v\n%s", row, text)
		}
		all = append(all, row.Record)
	}
	return all
}

// What we write in our own formats we read again as it was, but for the event, which
// is another one then.
func TestOwnFormatsRoundTrip(t *testing.T) {
	want := slices.Clone(exported[:len(exported)-1])
	for i := range want {
		want[i].Event = 0
	}
	for _, format := range []Format{CSV, JSON} {
		text, left := write(t, WriteOptions{Format: format}, exported...)
		if d := cmp.Diff(want, records(t, text, Options{Now: testNow.Add(time.Second)})); d != "" || left != (Left{Erased: 1}) {
			t.Errorf("%s: %s, %+v", format, d, left)
		}
	}
}

// No cell of any format is a formula.
func TestNoFormulas(t *testing.T) {
	for _, format := range WriteFormats() {
		text, _ := write(t, WriteOptions{Format: Format(format)}, exported...)
		if f := Format(format); f == JSON || f == Plain || f == Postmark {
			continue // no spreadsheet opens these as cells
		}
		r := csv.NewReader(strings.NewReader(text))
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		if err != nil {
			t.Errorf("%s: %v", format, err)
		}
		for _, cell := range slices.Concat(rows...) {
			if cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 {
				t.Errorf("%s: a spreadsheet takes %q for a formula", format, cell)
			}
		}
	}
}

// Each file for another system is as testdata/write has it, and reads again as what
// that system would say.
func TestLeavingFormats(t *testing.T) {
	for _, format := range WriteFormats() {
		text, left := write(t, WriteOptions{Format: Format(format)}, exported...)
		name := filepath.Join("testdata", "write", format)
		if *update {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), text); d != "" {
			t.Errorf("%s: %s", format, d)
		}
		all := records(t, text, Options{Format: Format(format), Now: testNow.Add(time.Second), Reason: store.ReasonComplained})
		seen := map[string]bool{}
		for _, r := range all {
			if seen[r.Recipient] && Format(format).Leaves() && Format(format) != MailgunUnsubscribes {
				t.Errorf("%s: %s is written twice", format, r.Recipient)
			}
			seen[r.Recipient] = true
			if r.Recipient == "ada@example.org" && Format(format).says(store.ReasonComplained) && r.Reason != store.ReasonComplained && Format(format).Leaves() {
				t.Errorf("%s: the stronger reason is lost: %+v", format, r)
			}
		}
		if n := int64(len(all)) + left.Erased + left.Wide + left.Other + left.Weaker; n != int64(len(exported)) {
			t.Errorf("%s: %d of %d records are accounted for: %+v", format, n, len(exported), left)
		}
	}
}

// A hash is what a partner computes, and no note goes with it.
func TestHashes(t *testing.T) {
	r := Record{Recipient: "ada@example.org", List: "news", Reason: "manual", Source: "operator", Since: testNow, Note: "called us", Event: 3}
	const sha = "cfe00dde46ef942601ffafb9e2825e802858b460e586b8305b344c1eb826357d"
	for _, c := range []struct {
		o    WriteOptions
		want string
	}{
		{WriteOptions{Format: CSV, Hash: HashSHA256}, "sha256,list,reason,source,created_at,expires_at,note,event_id\n" + sha + ",news,manual,operator,2026-11-23T12:00:00Z,,,3\n"},
		{WriteOptions{Format: Plain, Hash: HashSHA256}, sha + "\n"},
		{WriteOptions{Format: JSON, Hash: HashKeyed, Hashed: strings.ToUpper}, `{"hash":"ADA@EXAMPLE.ORG","list":"news","reason":"manual","source":"operator","created_at":"2026-11-23T12:00:00Z","event_id":3}` + "\n"},
	} {
		if text, _ := write(t, c.o, r); text != c.want {
			t.Errorf("%+v: %s", c.o, text)
		}
	}
	for _, o := range []WriteOptions{{Format: SES, Hash: HashSHA256}, {Format: CSV, Hash: "md5"}, {Format: "xml"}} {
		if _, err := NewWriter(&bytes.Buffer{}, o); err == nil {
			t.Errorf("%+v is written", o)
		}
	}
}
