package dkim

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestBodyHash(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 100)
	tests := map[string]struct{ body, canonical string }{
		"empty":                        {"", ""},
		"only line ends":               {"\r\n\r\n\r\n", ""},
		"only white space":             {" \t ", ""},
		"only blank lines":             {" \t\r\n \r\n", ""},
		"RFC 6376 section 3.4.5":       {" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"},
		"clean":                        {"one\r\n\r\ntwo words\r\n", "one\r\n\r\ntwo words\r\n"},
		"no final CRLF":                {"one\r\ntwo", "one\r\ntwo\r\n"},
		"white space at the end":       {"one \t", "one\r\n"},
		"blank lines inside":           {"one\r\n \t\r\n\r\n two", "one\r\n\r\n\r\n two\r\n"},
		"starts with line ends":        {"\r\n\r\none\r\n", "\r\n\r\none\r\n"},
		"tab between words":            {"one\ttwo\r\n", "one two\r\n"},
		"tab after a blank":            {"one \ttwo\r\n", "one two\r\n"},
		"lines that start with a tab":  {"\tone\r\n\ttwo\r\n", " one\r\n two\r\n"},
		"exclamation mark after blank": {"a ! b ! c ! d ! e  ! f\r\n", "a ! b ! c ! d ! e ! f\r\n"},
		"pair across word border":      {"1234567  9012345\r\n", "1234567 9012345\r\n"},
		"tab at word border":           {"1234567\t9012345\t78\r\n", "1234567 9012345 78\r\n"},
		"long line":                    {long + "  " + long + " \r\n", long + " " + long + "\r\n"},
		"long line of pairs":           {strings.Repeat("a  ", 2000), strings.TrimSuffix(strings.Repeat("a ", 2000), " ") + "\r\n"},
		"many line ends, then text":    {strings.Repeat("\r\n", 99) + "x", strings.Repeat("\r\n", 99) + "x\r\n"},
		"pair across block border":     {strings.Repeat("x", 31) + "  " + strings.Repeat("y", 40) + "\r\n", strings.Repeat("x", 31) + " " + strings.Repeat("y", 40) + "\r\n"},
		"tab at the end of a block":    {strings.Repeat("x", 32) + "\t" + strings.Repeat("y", 31) + "\tz\r\n", strings.Repeat("x", 32) + " " + strings.Repeat("y", 31) + " z\r\n"},
		"pair near the end of a line":  {strings.Repeat("word ", 9) + " z\r\n", strings.Repeat("word ", 9) + "z\r\n"},
		"form feed is text":            {"a \f b\r\n", "a \f b\r\n"},
		"8-bit and NUL":                {"\x00\xa0 \xff\x80\r\n", "\x00\xa0 \xff\x80\r\n"},
		"two blanks after 8-bit":       {"\xa0\xa0\xa0\xa0  \xa0\xa0\r\n", "\xa0\xa0\xa0\xa0 \xa0\xa0\r\n"},
		// Cannot come from the relay, must not panic or hang.
		"lone LF is a line end": {"one \ntwo\n", "one\r\ntwo\r\n"},
		"lone CR is text":       {"one \rtwo\r", "one \rtwo\r\r\n"},
		"two CR before LF":      {"one\r\r\ntwo", "one\r\r\ntwo\r\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := sha256.Sum256([]byte(test.canonical))
			check := func(how string, pieces ...string) {
				t.Helper()
				b := NewBodyHash()
				for _, p := range pieces {
					if n, err := b.Write([]byte(p)); n != len(p) || err != nil {
						t.Fatalf("%s: Write = %d, %v", how, n, err)
					}
				}
				if got := b.Sum(); !bytes.Equal(got, want[:]) {
					t.Errorf("%s: hash is not that of %q", how, test.canonical)
				}
			}
			check("whole", test.body)
			check("octet by octet", strings.Split(test.body, "")...)
			for i := range min(len(test.body), 200) {
				check(fmt.Sprintf("cut at %d", i), test.body[:i], test.body[i:])
			}
		})
	}
}

func TestBodyHashSumLeavesStateAlone(t *testing.T) {
	b := NewBodyHash()
	var body string
	for _, piece := range []string{"one \r", "\n\r\ntwo  ", "three\r", "", strings.Repeat("x ", 3000)} {
		b.Write([]byte(piece))
		body += piece
		if got, want := b.Sum(), referenceBodyHash(body); !bytes.Equal(got, want) {
			t.Errorf("after %q: Sum differs from that of the whole", piece)
		}
	}
}

var (
	blanksAtLineEnd = regexp.MustCompile(`[ \t]+(\r\n|\z)`)
	blanks          = regexp.MustCompile(`[ \t]+`)
	lineEnd         = regexp.MustCompile(`\r?\n`)
	lineEndsAtEnd   = regexp.MustCompile(`(\r\n)+\z`)
)

// referenceBodyHash says in the words of RFC 6376 section 3.4.4 what BodyHash
// does in one pass.
func referenceBodyHash(body string) []byte {
	body = lineEnd.ReplaceAllString(body, "\r\n")
	body = blanksAtLineEnd.ReplaceAllString(body, "$1")
	body = blanks.ReplaceAllString(body, " ")
	body = lineEndsAtEnd.ReplaceAllString(body, "")
	if body != "" {
		body += "\r\n"
	}
	sum := sha256.Sum256([]byte(body))
	return sum[:]
}

func FuzzBodyHash(f *testing.F) {
	f.Add([]byte("one \r\n\r\ntwo\t words\r\n\r\n"), uint16(4), uint16(5))
	f.Add([]byte(" \t\r\n"), uint16(1), uint16(2))
	f.Add([]byte("a  b\rc\nd \r\n"), uint16(2), uint16(9))
	f.Add([]byte("1234567  9012345 ! \r\n"+strings.Repeat("abcdefg ", 300)+" \r\n"), uint16(8), uint16(1100))
	f.Fuzz(func(t *testing.T, body []byte, x, y uint16) {
		first := min(int(x), len(body))
		second := min(first+int(y), len(body))
		kept := bytes.Clone(body)
		b := NewBodyHash()
		for _, p := range [][]byte{body[:first], body[first:second], body[second:]} {
			b.Write(p)
		}
		if !bytes.Equal(b.Sum(), referenceBodyHash(string(body))) {
			t.Errorf("hash of %q cut at %d and %d differs from the reference", body, first, second)
		}
		if !bytes.Equal(body, kept) {
			t.Error("Write changed its argument")
		}
	})
}

func BenchmarkBodyHash(b *testing.B) {
	text := strings.Repeat("A line of plain text, as people write it to one another in their mail now.\r\n", 135)
	html := strings.Repeat("      <td class=\"cell\">\r\n\t\t<a href=\"https://example.org/\">word  word</a> \r\n", 140)
	for name, body := range map[string]string{"text": text, "html": html} {
		body := []byte(body[:10<<10])
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				h := NewBodyHash()
				h.Write(body)
				h.Sum()
			}
		})
		b.Run(name+"-sha256-alone", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				sha256.Sum256(body)
			}
		})
	}
}
