package mime

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestLeaves: the parts of messages as people and machines break them.
func TestLeaves(t *testing.T) {
	eachCase(t, "leaves", func(t *testing.T, in []byte) []txtar.File {
		h, body := Split(in)
		out := []txtar.File{section("fields", fmt.Append(nil, len(h.Fields()), "\r\n"))}
		for i, leaf := range Leaves(h, body) {
			name := fmt.Sprintf("%d %s", i, leaf.Media)
			if leaf.Attachment() {
				name += " attachment"
			}
			out = append(out, section(name, []byte(strings.ReplaceAll(leaf.Text(1<<10), "\n", "\r\n"))))
		}
		return out
	})
}

// Limits: nesting, parts and bytes are bounded.
func TestLeavesLimits(t *testing.T) {
	nest := func(depth int) []byte {
		var b bytes.Buffer
		for i := range depth {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
		}
		b.WriteString("\nx")
		return b.Bytes()
	}
	if n := len(Leaves(Split(nest(maxDepth)))); n != 1 {
		t.Errorf("%d leaves in %d levels", n, maxDepth)
	}
	if n := len(Leaves(Split(nest(maxDepth + 1)))); n != 0 {
		t.Errorf("%d leaves in %d levels", n, maxDepth+1)
	}
	many := []byte("Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 2*maxParts))
	if n := len(Leaves(Split(many))); n != maxParts {
		t.Errorf("%d leaves", n)
	}
	for encoding, line := range map[string]string{"8bit": "\xc3\xbcx\xc3\xbc", "quoted-printable": "=C3=BCx=C3=\r\n=BC\r\n", "base64": "w7zDvMO8\r\n"} {
		h := ParseHeader([]byte("Content-Transfer-Encoding: " + encoding + "\n\n"))
		leaf := Leaves(h, bytes.Repeat([]byte(line), 100_000))[0]
		for limit := range 40 {
			if text := leaf.Text(limit); len(text) > limit || strings.Trim(text, "üx\r\n") != "" {
				t.Errorf("%s: %d bytes of %q", encoding, limit, text)
			}
		}
	}
}

// A text that is cut inside a character is still the UTF-8 that it was.
func TestTextIsCutBetweenCharacters(t *testing.T) {
	leaf := Leaves(Header{}, []byte(strings.Repeat("ü", 100)))[0]
	if got := leaf.Text(9); got != "üüüü" {
		t.Errorf("%q", got)
	}
	latin := Leaves(Header{}, bytes.Repeat([]byte{0xfc}, 100))[0]
	if got := latin.Text(9); got != "üüüü" {
		t.Errorf("%q", got)
	}
}

// Of a part that takes much to say little no more is looked at than its text can
// need.
func TestTextLooksAtLittle(t *testing.T) {
	for encoding, body := range map[string]string{"base64": strings.Repeat("!", 100) + "YWJj", "quoted-printable": strings.Repeat("=\n", 100) + "abc"} {
		h := ParseHeader([]byte("Content-Transfer-Encoding: " + encoding + "\n\n"))
		if text := Leaves(h, []byte(body))[0].Text(20); text != "" {
			t.Errorf("%s: %q", encoding, text)
		}
	}
}

func TestParam(t *testing.T) {
	for value, want := range map[string]string{
		"multipart/mixed; boundary=b":                     "b",
		"multipart/mixed; BOUNDARY = \"b c\" ; x=y":       "b c",
		"multipart/mixed boundary=b":                      "b",
		"multipart/report; report-type=x boundary=b y=z":  "b",
		"multipart/report; report-type=\"x\"boundary=b":   "b",
		"multipart/mixed; x-boundary=a; boundary=b":       "b",
		"multipart/mixed; charset; boundary=\"b":          "b",
		"multipart/mixed; boundary*0=a; boundary*1*=%2Fb": "a/b",
		"multipart/mixed; x=\"boundary=a\"":               "",
		"multipart/mixed":                                 "",
		"multipart/mixed; boundary":                       "",
		"":                                                "",
	} {
		if got := Param(value, "boundary"); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func TestHeaderIn(t *testing.T) {
	const header = "Subject: x\nX-Y: z\n\tw\nReceived: from a\nTo: b\nDate: c\n\nbody"
	for _, tt := range []struct {
		text, at string
		start    int
		ok       bool
	}{
		{"no such user\n" + header, "Received:", len("no such user\n"), true},
		{header, "Received:", 0, true},
		{header, "Subject:", 0, false},                                                 // a report may have that
		{"Message-ID: <1@a>\nTo: b\n\nFrom: c", "Message-ID:", 0, false},               // two fields are a quotation
		{" Received: from a\nTo: b\nDate: c\n", " Received:", 0, false},                // no line of its own
		{"Received: a\nreceived: b\nRECEIVED: c\nx: y\n", "RECEIVED:", 0, false},       // the gap comes too early
		{"a\n\nReturn-Path: <>\nFrom: b\nTo: c\n", "Return-Path:", len("a\n\n"), true}, // no blank line goes along
	} {
		start, ok := HeaderIn(tt.text, strings.Index(tt.text, tt.at))
		if start != tt.start || ok != tt.ok {
			t.Errorf("%q: %d %t, want %d %t", tt.text, start, ok, tt.start, tt.ok)
		}
	}
}

// FuzzLeaves: however a message is broken, its leaves are bounded in number, they
// are parts of it, their text is valid UTF-8 of bounded length, and none of it
// takes long.
func FuzzLeaves(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\nw7w=\n--b--\n"))
	f.Add([]byte("Content-Type: multipart/mixed boundary=\"b\n\n--b\nContent-Transfer-Encoding: quoted-printable\n\n=C3=\n=BC="))
	f.Add([]byte("From x\n\n--b\nContent-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		start := time.Now()
		h, body := Split(raw)
		all := Leaves(h, body)
		if len(all) > maxParts {
			t.Fatalf("%d leaves", len(all))
		}
		for _, leaf := range all {
			if !bytes.Contains(raw, leaf.Body) || leaf.Media == "" {
				t.Fatalf("%q is no part of it", leaf.Body)
			}
			text := leaf.Text(1 << 10)
			if len(text) > 1<<10 || !utf8.ValidString(text) {
				t.Fatalf("%d bytes: %q", len(text), text)
			}
			for pos := range text {
				if at, ok := HeaderIn(text, pos); ok && at > pos {
					t.Fatalf("the header of %q starts at %d, behind %d", text, at, pos)
				}
			}
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("took %v", took)
		}
	})
}
