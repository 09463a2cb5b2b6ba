package confirmation

import (
	"bytes"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// fieldNames are those of every mail, in their order.
var fieldNames = []string{"Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding", "Content-Language", "Auto-Submitted"}

// checkLines checks that every line ends in CRLF and has less than 78 bytes.
func checkLines(t testing.TB, raw []byte) {
	t.Helper()
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		t.Error("the last line has no end")
	}
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) > 77 || bytes.ContainsAny(line, "\r\n\x00") {
			t.Errorf("line of %d octets: %q", len(line), line)
		}
	}
}

// checkMail checks that a mail has the fields it has always, once each.
func checkMail(t testing.TB, d *draft) {
	t.Helper()
	checkLines(t, d.raw())
	header, _, _ := bytes.Cut(d.raw(), []byte("\r\n\r\n"))
	var names []string
	for line := range bytes.SplitSeq(header, []byte("\r\n")) {
		if line[0] != ' ' {
			name, _, _ := bytes.Cut(line, []byte(":"))
			names = append(names, string(name))
		}
	}
	if !slices.Equal(names, fieldNames) {
		t.Errorf("fields are %q", names)
	}
}

var oddNames = map[string]string{
	"line end":      "News\r\nBcc: eve@example.com\r\n\r\nhttps://evil.example/",
	"lone LF":       "News\nBcc: eve@example.com",
	"separators":    "News\u2028Bcc: eve@example.com\u0085X",
	"NUL":           "Ne\x00ws",
	"quotes":        `"Eve" <eve@example.com>, \`,
	"encoded":       "=?utf-8?Q?=0D=0ABcc:_eve@example.com?=",
	"direction":     "News\u202etxt.exe",
	"no characters": "News \xff\xfe",
	"long":          strings.Repeat("Weekly letter of many words ", 40),
	"long word":     strings.Repeat("w", 5000),
	"long foreign":  strings.Repeat("週刊ニュース", 400),
	"emoji":         strings.Repeat("👩‍👩‍👧", 60),
	"spaces":        " \t\r\n ",
	"template":      "{{.Address}} {{offramp.unsubscribe_url}}",
}

func TestNamesInjectNothing(t *testing.T) {
	for what, name := range oddNames {
		t.Run(what, func(t *testing.T) {
			s := &spool{}
			c, q := asking(t, s), question(t)
			c.Operator, q.ListName, q.Sender = name, name, name
			checkOdd(t, c, s, q)
		})
	}
}

func checkOdd(t testing.TB, c *Confirmation, s *spool, q Question) {
	t.Helper()
	d := ask(t, c, s, q)
	checkMail(t, d)
	header, body := read(t, d)
	from, err := header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Address != c.From.String() {
		t.Errorf("From is %q: %v, %v", header.Get("From"), from, err)
	} else if want := plain(c.Operator); from[0].Name != want {
		t.Errorf("the operator is %q, want %q", from[0].Name, want)
	}
	if to, err := mail.ParseAddress(header.Get("To")); err != nil || to.Address != q.Recipient.String() {
		t.Errorf("To is %q: %v", header.Get("To"), err)
	}
	if n := utf8.RuneCountInString(decoded(t, header.Get("Subject"))); n > maxName+1 {
		t.Errorf("the subject has %d characters", n)
	}
	want := 6
	if plain(q.Sender) != "" {
		want++
	}
	if n := strings.Count(body, "\r\n\r\n"); n != want {
		t.Errorf("%d paragraph ends, want %d:\n%s", n, want, body)
	}
	if strings.ContainsAny(body, "\x00\u202e\u2028\u0085") || !utf8.ValidString(body) {
		t.Errorf("the body steers the screen: %q", body)
	}
}

func FuzzNames(f *testing.F) {
	for _, name := range oddNames {
		f.Add(name, "Weekly letter")
	}
	f.Fuzz(func(t *testing.T, name, operator string) {
		s := &spool{}
		c, q := asking(t, s), question(t)
		c.Operator, q.ListName, q.Sender = operator, name, "x"+name
		d := ask(t, c, s, q)
		checkMail(t, d)
		header, _ := read(t, d)
		from, err := header.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Address != c.From.String() {
			t.Errorf("From is %q: %v, %v", header.Get("From"), from, err)
		}
	})
}

func TestPlain(t *testing.T) {
	for name, want := range map[string]string{
		"a  b\tc\r\nd\x7f": "a b c d",
		"a\u202eb\u200fc":  "abc",
		" Büro\xff ":       "Büro\uFFFD",
		`Say "Hi", \o/`:    `Say "Hi", \o/`,
		"\x00\u2028":       "",
	} {
		if got := plain(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
