package mime

import (
	"bytes"
	stdmime "mime"
	"net/mail"
	"strings"
	"testing"

	"offramp/gateway/envelope"
)

func parseAddress(t testing.TB, s string) envelope.Address {
	t.Helper()
	a, err := envelope.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestNewMailboxField(t *testing.T) {
	for _, tt := range []struct{ name, address, want string }{
		{"", "a@b.example", "<a@b.example>"},
		{"Example", "a@b.example", `"Example" <a@b.example>`},
		{`Say "Hi", \o/`, "a@b.example", `"Say \"Hi\", \\o/" <a@b.example>`},
		{"Büro", "a@b.example", "=?utf-8?B?QsO8cm8=?= <a@b.example>"},
		{"=?utf-8?Q?x?=", "a@b.example", "=?utf-8?B?PT91dGYtOD9RP3g/PQ==?= <a@b.example>"},
		{"a\r\nBcc: eve@example.com", "a@b.example", "=?utf-8?B?YQ0KQmNjOiBldmVAZXhhbXBsZS5jb20=?= <a@b.example>"},
		{"", "jörg@b.example", "<jörg@b.example>"},
		{"Jo", "jörg@b.example", "\"Jo\"\r\n <jörg@b.example>"},
	} {
		got, err := NewMailboxField("From", tt.name, parseAddress(t, tt.address))
		if err != nil || string(got) != "From: "+tt.want+"\r\n" {
			t.Errorf("%q: %q %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestNewTextField(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"Please confirm":                    "Please confirm",
		"100 % \"sure\" \\":                 "100 % \"sure\" \\",
		"=?utf-8?Q?x?=":                     "=?utf-8?B?PT91dGYtOD9RP3g/PQ==?=",
		"a\nb":                              "=?utf-8?B?YQpi?=",
		strings.Repeat("word ", 20) + "end": strings.TrimSpace(strings.Repeat("word ", 13)) + "\r\n " + strings.Repeat("word ", 7) + "end",
		strings.Repeat("ü", 30):             "=?utf-8?B?w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8?=\r\n =?utf-8?B?w7zDvMO8w7zDvMO8w7zDvMO8?=",
		strings.Repeat("w", 61):             "=?utf-8?B?d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3?=\r\n =?utf-8?B?d3d3d3d3d3d3d3d3d3d3d3d3dw==?=",
	} {
		got, err := NewTextField("Subject", text)
		if err != nil || string(got) != "Subject: "+want+"\r\n" {
			t.Errorf("%q:\n%q %v, want\n%q", text, got, err, want)
		}
	}
}

// FuzzNewTextField: whatever the text is, the field is one, its lines are short,
// and the standard library decodes it to the same.
func FuzzNewTextField(f *testing.F) {
	for _, s := range []string{"Please confirm", "=?utf-8?Q?=0D=0ABcc:_x?=", "a\r\nBcc: x", strings.Repeat("週刊ニュース", 40), " a  b ", "\xff"} {
		f.Add(s)
	}
	to := parseAddress(f, "a@b.example")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "\uFFFD")
		field, err := NewTextField("Subject", text)
		if err != nil {
			if strings.TrimSpace(text) == text && !strings.Contains(text, "  ") {
				t.Fatalf("%q: %v", text, err)
			}
			return // a word of white space alone cannot be folded
		}
		mailbox, err := NewMailboxField("From", text, to)
		if err != nil {
			return
		}
		for line := range bytes.SplitSeq(append(bytes.Clone(field), mailbox...), []byte("\r\n")) {
			if len(line) > maxColumn+1 || bytes.ContainsAny(line, "\r\n") {
				t.Fatalf("%q: %q", text, line)
			}
		}
		m, err := mail.ReadMessage(bytes.NewReader(append(append(field, mailbox...), "\r\n"...)))
		if err != nil || len(m.Header) != 2 {
			t.Fatalf("%q: %v %q", text, m, err)
		}
		decoded, err := new(stdmime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || decoded != text && strings.Join(strings.Fields(decoded), " ") != strings.Join(strings.Fields(text), " ") {
			t.Fatalf("%q: %q %v", text, decoded, err)
		}
		if from, err := m.Header.AddressList("From"); err != nil || len(from) != 1 || from[0].Address != "a@b.example" {
			t.Fatalf("%q: %v %v", text, from, err)
		}
	})
}
