package envelope

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestNewQueueID(t *testing.T) {
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	shape := regexp.MustCompile(`^[0-9a-v]{16}$`)
	seen := map[string]bool{}
	var ids []string
	for i := range 2000 {
		id := NewQueueID(start.Add(time.Duration(i) * 7 * time.Millisecond))
		if !shape.MatchString(id) {
			t.Fatalf("%q", id)
		}
		if seen[id] {
			t.Fatalf("%q came twice", id)
		}
		seen[id] = true
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) {
		t.Error("ids of later times do not sort after those of earlier ones")
	}
	if a, b := NewQueueID(start), NewQueueID(start); a == b {
		t.Error("two ids of one millisecond are the same")
	}
	if id := NewQueueID(time.Unix(0, 0)); id[:8] != "00000000" {
		t.Errorf("a clock set back to 1970 gives %q", id)
	}
	if a, b := NewQueueID(start), NewQueueID(start.AddDate(27, 0, 0)); a >= b {
		t.Errorf("%q is not before %q", a, b)
	}
}

func TestOctets(t *testing.T) {
	for in, want := range map[string]Octets{
		"0": 0, "1000000": 1000000, "50MiB": 50 << 20, "50mib": 50 << 20, " 256 KiB ": 256 << 10,
		"1GB": 1e9, "3MB": 3e6, "7kB": 7000, "12B": 12, "8191GiB": 8191 << 30,
	} {
		var o Octets
		if err := o.UnmarshalText([]byte(in)); err != nil || o != want {
			t.Errorf("%q: %d, %v; want %d", in, o, err, want)
		}
	}
	for _, in := range []string{"", "MiB", "-1", "-1MiB", "1.5MiB", "50M", "1TiB", "0x10", "1_000", "99999999999999999999", "9999999999GiB", "1 2"} {
		o := Octets(7)
		if err := o.UnmarshalText([]byte(in)); err == nil || o != 7 {
			t.Errorf("%q: %d, %v", in, o, err)
		}
	}
}

func TestOctetsString(t *testing.T) {
	for want, o := range map[string]Octets{"0": 0, "50MiB": 50 << 20, "1KiB": 1024, "1025": 1025, "1536KiB": 1536 << 10, "2GiB": 2 << 30} {
		if o.String() != want {
			t.Errorf("%d: %q, want %q", int64(o), o, want)
		}
		var again Octets
		text, err := o.MarshalText()
		if err != nil || again.UnmarshalText(text) != nil || again != o {
			t.Errorf("%s is read as %d", text, again)
		}
	}
}

func TestDSNParameters(t *testing.T) {
	check := func(what string, valid func(string) bool, good, bad []string) {
		for _, s := range good {
			if !valid(s) {
				t.Errorf("%s %q refused", what, s)
			}
		}
		for _, s := range bad {
			if valid(s) {
				t.Errorf("%s %q taken", what, s)
			}
		}
	}
	check("NOTIFY", ValidNotify, []string{"", "NEVER", "SUCCESS", "DELAY,SUCCESS,FAILURE"},
		[]string{"NEVER,SUCCESS", "SUCCESS,SUCCESS", "success", "SUCCESS,", ",", "SOMETIMES", "SUCCESS FAILURE"})
	check("ENVID", ValidEnvelopeID, []string{"", "QQ314159", "a b+c"}, []string{"a\r\nb", "\x00", "ü", string(make([]byte, 101))})
}

func TestParseOriginal(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "",
		"rfc822;a@b.example":                 "rfc822;a@b.example",
		"RFC822;A+2Bx+3Dy@b.example":         "rfc822;A+x=y@b.example",
		"rfc822;c+20d@b.example":             "rfc822;c d@b.example",
		"rfc822;j+C3+B6rg@b.example":         "rfc822;jörg@b.example",
		"rfc822;user+tag@b.example":          "rfc822;user+tag@b.example", // not encoded, as some senders do
		"rfc822;SRS0=a=b@b.example":          "rfc822;SRS0=a=b@b.example",
		"rfc822;user+":                       "rfc822;user+",
		"rfc822;a+2b@b.example":              "rfc822;a+2b@b.example", // xtext has capital letters
		"rfc822;a;b@b.example":               "rfc822;a;b@b.example",
		"x400;/C=de/ADMD=x/":                 "x400;/C=de/ADMD=x/",
		"x_Foo;+2B":                          "x_foo;+",
		"unknown;x":                          "unknown;x",
		"utf-8;jörg@b.example":               "utf-8;jörg@b.example",
		`UTF-8;j\x{F6}rg\x{2B}x@b.example`:   "utf-8;jörg+x@b.example",
		`utf-8;\x{1F600}@b.example`:          "utf-8;\U0001f600@b.example",
		`utf-8;a+2B\x{D800}@b.example`:       `utf-8;a+2B\x{D800}@b.example`,
		`utf-8;\x{110000}\x{`:                `utf-8;\x{110000}\x{`,
		"rfc822;j+F6rg@b.example":            "", // not UTF-8: cannot be carried
		"utf-8;j\xf6rg@b.example":            "",
		"rfc822;" + strings.Repeat("x", 493): "rfc822;" + strings.Repeat("x", 493),
	} {
		if got, err := ParseOriginal(in); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"rfc822", "rfc822;", ";", ";a@b", "rfc822;a+0D+0AX: y", `utf-8;a\x{A}b`, "rfc822;a+C2+85", "rfc 822;a@b", "rfc.822;a@b", "jörg;a", "rfc822;" + strings.Repeat("x", 494)} {
		if got, err := ParseOriginal(in); err != ErrOriginal || got != "" {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func FuzzParseOriginal(f *testing.F) {
	f.Add("rfc822;j+C3+B6rg@b.example")
	f.Add(`utf-8;j\x{F6}rg@b.example`)
	f.Fuzz(func(t *testing.T, in string) {
		got, err := ParseOriginal(in)
		if err != nil && got != "" || len(got) > 500 || !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00") {
			t.Fatalf("%q: %q, %v", in, got, err)
		}
	})
}
