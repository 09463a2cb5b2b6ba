package mime

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = "From mbox@b.example Mon Jan  1 00:00:00 2026\r\n" +
	"Received: one\r\n" +
	"\tfolded\r\n" +
	"SUBJECT : spaces  \r\n  inside \r\n" +
	"no colon here\r\n" +
	" continuation of nothing\r\n" +
	"X-Offramp-List: news\r\n\t<news.b.example>\r\n" +
	"received: two\r\n" +
	"N\xf6me: eight bit\r\n" +
	"x-offramp-debug:\r\n" +
	": no name\r\n" +
	"List-Id:last\r\n" +
	"\r\n"

func TestHeader(t *testing.T) {
	h := ParseHeader([]byte(sample))
	type field struct{ Name, Value, Raw string }
	var got []field
	for _, f := range h.Fields() {
		got = append(got, field{f.Name, f.Value(), string(f.Raw)})
	}
	want := []field{
		{"Received", "one\tfolded", "Received: one\r\n\tfolded\r\n"},
		{"SUBJECT", "spaces    inside", "SUBJECT : spaces  \r\n  inside \r\n"},
		{"X-Offramp-List", "news\t<news.b.example>", "X-Offramp-List: news\r\n\t<news.b.example>\r\n"},
		{"received", "two", "received: two\r\n"},
		{"N\xf6me", "eight bit", "N\xf6me: eight bit\r\n"},
		{"x-offramp-debug", "", "x-offramp-debug:\r\n"},
		{"List-Id", "last", "List-Id:last\r\n"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for name, value := range map[string]string{"subject": "spaces    inside", "RECEIVED": "one\tfolded", "list-id": "last", "X-Offramp-Debug": "", "From": "", "Nome": ""} {
		if v := h.Get(name); v != value {
			t.Errorf("Get(%q) = %q, want %q", name, v, value)
		}
	}
	for name, n := range map[string]int{"received": 2, "Subject": 1, "x-offramp-debug": 1, "From": 0, "": 0, "no colon here": 0} {
		if c := h.Count(name); c != n {
			t.Errorf("Count(%q) = %d, want %d", name, c, n)
		}
	}
}

func TestWithout(t *testing.T) {
	h := ParseHeader([]byte(sample))
	if got := h.Without("Bcc", "From", "*x"); !bytes.Equal(got, []byte(sample)) {
		t.Errorf("%q", got)
	}
	if got := h.Without(); !bytes.Equal(got, []byte(sample)) {
		t.Errorf("%q", got)
	}
	want := sample
	for _, cut := range []string{"Received: one\r\n\tfolded\r\n", "received: two\r\n", "X-Offramp-List: news\r\n\t<news.b.example>\r\n", "x-offramp-debug:\r\n"} {
		want = strings.Replace(want, cut, "", 1)
	}
	if got := h.Without("Received", "X-OFFRAMP-*"); string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if string(h.Raw()) != sample {
		t.Error("the header itself was changed")
	}
	if got := h.Without("*"); string(got) != "From mbox@b.example Mon Jan  1 00:00:00 2026\r\nno colon here\r\n continuation of nothing\r\n: no name\r\n\r\n" {
		t.Errorf("%q", got)
	}
}

func TestParseHeaderStops(t *testing.T) {
	for in, n := range map[string]int{
		"": 0, "\r\n": 0, "\n": 0, "A: b": 1, "A: b\r\n": 1, "A: b\nC: d\n\nE: f\n": 2, " A: b\r\nC: d\r\n": 1, "A: b\r\n \r\nC: d\r\n\r\nE: f": 2,
	} {
		h := ParseHeader([]byte(in))
		if len(h.Fields()) != n || string(h.Raw()) != in {
			t.Errorf("%q: %d fields, want %d", in, len(h.Fields()), n)
		}
	}
}

func TestNewField(t *testing.T) {
	long := strings.Repeat("x", 998-len("Name: "))
	for _, tt := range []struct{ name, value, want string }{
		{"List-Id", "<news.b.example>", "List-Id: <news.b.example>\r\n"},
		{"A", "b,\r\n\tc,\r\n d", "A: b,\r\n\tc,\r\n d\r\n"},
		{"A", "", "A: \r\n"},
		{"Name", long, "Name: " + long + "\r\n"},
		{"Name", long + "\r\n " + long, "Name: " + long + "\r\n " + long + "\r\n"},
	} {
		if got, err := NewField(tt.name, tt.value); err != nil || string(got) != tt.want {
			t.Errorf("%.40q: %.40q, %v", tt.value, got, err)
		}
	}
	for _, tt := range []struct{ name, value string }{
		{"", "x"}, {"A b", "x"}, {"A:", "x"}, {"A\r\nB", "x"}, {"Ä", "x"}, {strings.Repeat("n", 77), "x"},
		{"A", "b\r\nBcc: c"}, {"A", "b\r\n\r\nbody"}, {"A", "b\nc"}, {"A", "b\rc"}, {"A", "b\r\n"}, {"A", "b\r\n "},
		{"A", "b\r\n \r\n c"}, {"A", "b\r\n \t"}, {"A", "b\x00"}, {"A", "b\x7f"}, {"A", "ü"}, {"A", "\x1b[0m"}, {"A", "b\r"},
		{"Name", long + "x"}, {"Name", "a\r\n " + long + strings.Repeat("x", 6)},
	} {
		if got, err := NewField(tt.name, tt.value); !errors.Is(err, ErrField) {
			t.Errorf("%q: %.40q gave %.40q, %v", tt.name, tt.value, got, err)
		}
	}
}

// FuzzHeader: fields and what lies between them make up the header, removing
// takes nothing else, and a field that NewField makes is read back.
func FuzzHeader(f *testing.F) {
	f.Add([]byte(sample), "Received", "value")
	f.Add([]byte("A: b\nA : c\n\n"), "a", "x\r\n y")
	f.Add([]byte(" \r\n:\r\n\r\nA: b"), "A", "\r\n z")
	f.Fuzz(func(t *testing.T, raw []byte, name, value string) {
		h := ParseHeader(raw)
		if !bytes.Equal(h.Raw(), raw) {
			t.Fatal("raw changed")
		}
		pos, size := 0, 0
		for _, field := range h.Fields() {
			i := bytes.Index(raw[pos:], field.Raw)
			if i < 0 {
				t.Fatalf("%q is not in %q", field.Raw, raw)
			}
			pos += i + len(field.Raw)
			field.Value()
			if len(field.Name) == len(name) && equalFold([]byte(field.Name), name) {
				size += len(field.Raw)
			}
		}
		without := h.Without(name)
		if !strings.HasSuffix(name, "*") {
			if len(without)+size != len(raw) {
				t.Fatalf("%q without %q: %q", raw, name, without)
			}
			if n := ParseHeader(without).Count(name); n > 0 {
				t.Fatalf("%q is still in %q", name, without)
			}
		}
		made, err := NewField(name, value)
		if err != nil {
			return
		}
		again := ParseHeader(append(made, raw...)).Fields()
		if bytes.HasPrefix(raw, []byte(" ")) || bytes.HasPrefix(raw, []byte("\t")) {
			return // a continuation of nothing would join our field
		}
		if len(again) != len(h.Fields())+1 || again[0].Name != name || !bytes.Equal(again[0].Raw, made) {
			t.Fatalf("%q is read as %q", made, again)
		}
	})
}

func BenchmarkParseHeader(b *testing.B) {
	raw := []byte(strings.Repeat("Field-Name: some value of a usual length, not too short\r\n", 30) + "X-Offramp-List: a\r\n\r\n")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		h := ParseHeader(raw)
		if len(h.Without("X-Offramp-*"))+len("X-Offramp-List: a\r\n") != len(raw) {
			b.Fatal("wrong length")
		}
	}
}

func TestBroken(t *testing.T) {
	for in, want := range map[string]bool{
		"": false, "\r\n": false, "A: b\r\n\r\n": false, "A: b\r\n c\r\nD: e\r\n\r\n": false, "A: b\r\n": false,
		"A: b\r\nno field\r\nC: d\r\n\r\n": true, "no field\r\nA: b\r\n\r\n": true, "A: b\r\nno field\r\n\r\n": true,
		" c\r\nA: b\r\n\r\n": true, "A b: c\r\n\r\n": true,
	} {
		if got := ParseHeader([]byte(in)).Broken(); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}
