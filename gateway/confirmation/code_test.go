package confirmation

import (
	"regexp"
	"strings"
	"testing"

	"offramp/listunsub"
)

var codeLine = regexp.MustCompile(`(?m)^(\d{4} \d{4})\r?$`)

// The code in the mail is that of its link, in any process with the keys, and
// not that of another link.
func TestCodeBelongsToItsLink(t *testing.T) {
	codes := map[string]string{} // by token
	for _, what := range []What{EraseAll, ShowAll} {
		s := &spool{}
		c, q := asking(t, s), question(t)
		q.What = what
		_, body := read(t, ask(t, c, s, q))
		found := codeLine.FindAllStringSubmatch(body, -1)
		_, rest, _ := strings.Cut(body, "/c/")
		token, _, _ := strings.Cut(rest, "\r\n")
		if len(found) != 1 {
			t.Fatalf("%d codes:\n%s", len(found), body)
		}
		codes[token] = found[0][1]
	}
	for token, typed := range codes {
		code, ok := ReadCode(typed)
		if !ok || !IsCode(ring(t), code, token) {
			t.Errorf("%q is not the code of its link", typed)
		}
		for other := range codes {
			if other != token && IsCode(ring(t), code, other) {
				t.Errorf("%q is the code of another link", typed)
			}
		}
	}
}

func TestMailsWithoutCode(t *testing.T) {
	for _, what := range []What{ListAgain, AllAgain, SharingAgain} {
		s := &spool{}
		c, q := asking(t, s), question(t)
		q.What = what
		if _, body := read(t, ask(t, c, s, q)); codeLine.MatchString(body) {
			t.Errorf("question %d has a code:\n%s", what, body)
		}
	}
}

func TestReadCode(t *testing.T) {
	for typed, want := range map[string]string{
		"12345678": "12345678", "1234 5678": "12345678", " 1234-5678\r\n": "12345678", "1234\u00a05678": "12345678", "1234–5678": "12345678",
		"٠١٢٣ ٤٥٦٧": "01234567", "۸۹۰۱۲۳۴۵": "89012345", "０１２３４５６７": "01234567", "\u200e12345678": "12345678", "00000000": "00000000",
		"": "", "1234567": "", "123456789": "", "1234567a": "", "test": "", "12345678.": "", "１２３４": "", "\xff12345678": "",
		strings.Repeat(" ", 93) + "12345678": "",
	} {
		got, ok := ReadCode(typed)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q %v, want %q", typed, got, ok, want)
		}
	}
}

// FuzzReadCode: what is read is digits of the right number, or nothing.
func FuzzReadCode(f *testing.F) {
	for _, seed := range []string{"1234 5678", "٠١٢٣٤٥٦٧", "0123456789", "\xf0\x9f", "1-2-3-4-5-6-7-8"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := ReadCode(typed)
		if ok && (len(code) != listunsub.DigitCount || strings.Trim(code, "0123456789") != "") {
			t.Errorf("%q: %q", typed, code)
		}
	})
}
