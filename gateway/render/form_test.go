package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"offramp/gateway/dkim"
	"offramp/store"
)

var (
	longText = "Content-Type: text/html\r\n\r\n" + strings.Repeat("word ", 300) + "\r\n"
	longTo   = "To: " + strings.Repeat("somebody@b.example, ", 80) + "last@b.example\r\n"
)

// TestLongLines: what is encoded and what stays. A second attempt, with nothing
// left in memory, has the same bytes.
func TestLongLines(t *testing.T) {
	from := "From: a@example.com\r\n"
	foreign := func(tags string) string {
		return "DKIM-Signature: v=1; a=rsa-sha256; " + tags + "; s=x; h=from:to; bh=x; b=x\r\n"
	}
	cases := map[string]struct {
		in     string
		exempt bool
		change func(*Renderer)
		want   string
	}{
		"list mail":                         {from + longText, false, nil, "encoded"},
		"transactional":                     {from + longText, true, nil, "encoded"},
		"pass":                              {from + longTo + longText, false, func(r *Renderer) { r.LongLines = Pass }, "passed"},
		"ordinary":                          {from + "\r\nHello\r\n", false, nil, ""},
		"no key":                            {from + longTo + longText, true, func(r *Renderer) { r.Keys = nil }, "encoded,folded"},
		"field":                             {from + longTo + "\r\nHello\r\n", false, nil, "folded"},
		"field without white space":         {from + "X-One: " + strings.Repeat("x", 999) + "\r\n\r\nHello\r\n", false, nil, "passed"},
		"addresses without white space":     {from + strings.ReplaceAll(longTo, ", ", ",") + "\r\nHello\r\n", false, nil, "folded"},
		"the same, signed by another":       {from + foreign("d=example.com; c=relaxed/simple") + strings.ReplaceAll(longTo, ", ", ",") + "\r\nHello\r\n", true, nil, "passed"},
		"signed by another, ours on top":    {from + foreign("d=esp.example") + longTo + longText, false, nil, "encoded,folded"},
		"signed for its own domain":         {from + foreign("d=example.com; c=relaxed/simple") + longTo + longText, true, nil, "folded,passed"},
		"signed for its own domain, simple": {from + foreign("d=example.com") + longTo + longText, true, nil, "passed"},
		"sealed, no key":                    {from + "ARC-Message-Signature: i=1\r\n" + longText, true, func(r *Renderer) { r.Keys = nil }, "passed"},
		"broken header":                     {from + "no field\r\n" + longText, false, nil, "passed"},
		"placeholder":                       {from + "Content-Type: text/plain\r\n\r\n" + strings.Repeat("x", 960) + "{{offramp.unsubscribe_url}}\r\n", false, nil, "encoded"},
		"placeholder in another form":       {from + "Content-Type: text/html\r\n\r\n" + strings.Repeat("x", 950) + "%7B%7Bofframp.unsubscribe_url%7D%7D\r\n", false, nil, "encoded"},
		"encrypted":                         {from + "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n" + longText + "--b--\r\n", false, nil, "passed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRenderer(t)
			if c.change != nil {
				c.change(r)
			}
			m, body := accept(t, []byte(c.in))
			if c.exempt {
				m.List = ""
			}
			got, out := render(t, r, m, store.List{ID: m.List}, "ada@b.example", body)
			if s := out.Lines.String(); s != c.want {
				t.Errorf("long lines are %q, want %q", s, c.want)
			}
			if n := longest(got); n > 998 && !out.Lines.Passed {
				t.Errorf("a line of %d bytes", n)
			}
			if out.Size != int64(len(got)) {
				t.Errorf("size %d, want %d", out.Size, len(got))
			}
			if out.Signed {
				verify(t, got)
			}
			if !out.Lines.Encoded && !bytes.HasSuffix(got, body) {
				t.Error("the body was changed")
			}
			if again, _ := render(t, r, m, store.List{ID: m.List}, "ada@b.example", body); !bytes.Equal(got, again) {
				t.Error("a second rendering differs")
			}
		})
	}
}

func longest(text []byte) int {
	n := 0
	for line := range bytes.SplitSeq(text, []byte("\r\n")) {
		n = max(n, len(line))
	}
	return n
}

// Folding changes nothing in relaxed form (RFC 6376 section 3.4.2): a signature
// that was made before it verifies.
func TestSignatureBeforeFolding(t *testing.T) {
	r := newRenderer(t)
	r.Keys = nil
	in := "From: a@example.com\r\n" + longTo + "Subject:\t" + strings.Repeat("a \t b", 300) + " \r\n\r\nHello\r\n"
	hash := dkim.NewBodyHash()
	io.WriteString(hash, "Hello\r\n")
	var fields [][]byte
	for field := range strings.SplitAfterSeq(strings.TrimSuffix(in, "\r\nHello\r\n"), "\r\n") {
		if field != "" {
			fields = append(fields, []byte(field))
		}
	}
	signature, err := testKey(t).Sign(fields, hash.Sum(), acceptance, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, body := accept(t, append(signature, in...))
	m.List = ""
	got, out := render(t, r, m, store.List{}, "ada@b.example", body)
	if !out.Lines.Folded || out.Lines.Passed || longest(got) > 998 {
		t.Errorf("long lines are %q", out.Lines)
	}
	verify(t, got)
}

// TestSevenBit: a hop without 8BITMIME gets its own form, which is signed as it
// is, and what cannot be converted is an error; another hop gets the bytes as
// they came.
func TestSevenBit(t *testing.T) {
	cases := map[string]struct {
		in     string
		change func(*Renderer)
		fails  bool
	}{
		"text":      {"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngr\xc3\xbcn = {{offramp.unsubscribe_url}}\r\n", nil, false},
		"multipart": {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ngr\xc3\xbcn\r\n--b--\r\n", nil, false},
		"pass":      {"\r\ngr\xc3\xbcn\r\n", func(r *Renderer) { r.LongLines = Pass }, false},
		"signed":    {"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\ngr\xc3\xbcn\r\n--b--\r\n", nil, true},
		"header":    {"Subject: gr\xc3\xbcn\r\n\r\nHello\r\n", nil, true},
		"foreign signature": {"DKIM-Signature: v=1; d=esp.example; h=from; b=x\r\n\r\ngr\xc3\xbcn\r\n",
			func(r *Renderer) { r.Keys = nil }, true},
		"foreign signature, plain": {"DKIM-Signature: v=1; d=esp.example; h=from; b=x\r\n\r\nHello\r\n",
			func(r *Renderer) { r.Keys = nil }, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRenderer(t)
			if c.change != nil {
				c.change(r)
			}
			m, body := accept(t, []byte("From: a@example.com\r\n"+c.in))
			prepared, err := r.Prepare(m, store.List{ID: "news"}, Signing{})
			if err != nil {
				t.Fatal(err)
			}
			open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
			for range 2 {
				out, err := prepared.Render(nil, Target{Recipient: "ada@b.example", SevenBit: true}, open)
				if errors.Is(err, ErrEightBit) != c.fails || err != nil && !c.fails {
					t.Fatalf("error %v", err)
				}
				if c.fails {
					continue
				}
				got := bytes.NewBuffer(out.Header)
				if err := out.WriteBody(got, bytes.NewReader(body)); err != nil {
					t.Fatal(err)
				}
				if strings.ContainsFunc(got.String(), func(r rune) bool { return r > '~' }) {
					t.Errorf("8-bit content is left: %q", got)
				}
				if out.Signed {
					verify(t, got.Bytes())
				}
			}
			// A fail-over to a hop that offers 8BITMIME.
			out, err := prepared.Render(nil, Target{Recipient: "ada@b.example"}, open)
			if err != nil {
				t.Fatal(err)
			}
			whole := bytes.NewBuffer(out.Header)
			if err := out.WriteBody(whole, bytes.NewReader(body)); err != nil {
				t.Fatal(err)
			}
			got := whole.Bytes()
			if len(m.Parts) == 0 && !bytes.HasSuffix(got, body) {
				t.Errorf("for a hop with 8BITMIME the body is %q", got)
			}
			if out.Signed {
				verify(t, got)
			}
		})
	}
}

// A body that cannot be read is an error that passes, and is not remembered.
func TestUnreadableBody(t *testing.T) {
	m, body := accept(t, []byte("From: a@example.com\r\n"+longText))
	prepared, err := newRenderer(t).Prepare(m, store.List{ID: "news"}, Signing{})
	if err != nil {
		t.Fatal(err)
	}
	broken := fmt.Errorf("disk")
	if _, err := prepared.Render(nil, Target{Recipient: "ada@b.example"}, func() (io.ReadCloser, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if _, err := prepared.Render(nil, Target{Recipient: "ada@b.example"}, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }); err != nil {
		t.Error(err)
	}
}
