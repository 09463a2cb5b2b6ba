package mime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rogpeppe/go-internal/txtar"
)

// readAll reads a message and returns its halves.
func readAll(rd Reader, r io.Reader) (Header, []byte, error) {
	h, body, err := rd.Read(r)
	if err != nil {
		return h, nil, err
	}
	b, err := io.ReadAll(body)
	return h, b, err
}

// TestSplit: how broken messages are taken apart.
func TestSplit(t *testing.T) {
	eachCase(t, "split", func(t *testing.T, in []byte) []txtar.File {
		var got []txtar.File
		for name, r := range map[string]io.Reader{
			"at once": bytes.NewReader(in), "octet by octet": iotest.OneByteReader(bytes.NewReader(in)),
			"end with data": iotest.DataErrReader(bytes.NewReader(in)),
		} {
			h, b, err := readAll(Reader{}, r)
			var now []txtar.File
			if err != nil {
				now = []txtar.File{section("error", []byte(err.Error()+"\r\n"))}
			} else {
				var fields []byte
				for _, f := range h.Fields() {
					fields = fmt.Appendf(fields, "%q = %q\r\n", f.Name, f.Value())
				}
				now = []txtar.File{section("header", h.Raw()), section("fields", fields), section("body", b)}
			}
			if got != nil && fmt.Sprint(texts(now)) != fmt.Sprint(texts(got)) {
				t.Errorf("%s: %q, before: %q", name, now, got)
			}
			got = now
		}
		return got
	})
}

func TestRejectBare(t *testing.T) {
	for in, ok := range map[string]bool{
		"A: b\r\n\r\nbody\r\n": true, "A: b\r\n\r\nno end": true, "": true, "A: b\r\n": true,
		"A: b\n\r\nbody\r\n": false, "A: b\r\n\r\nbo\ndy\r\n": false, "A: b\r\n\r\nbo\rdy\r\n": false,
		"A: b\r\n\r\nbody\r": false, "A: \rb\r\n\r\nbody\r\n": false, "A: b\r\n\r\nbo\r\r\ndy\r\n": false,
	} {
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			if _, _, err := readAll(Reader{RejectBare: true}, r); errors.Is(err, ErrBareNewline) == ok || ok && err != nil {
				t.Errorf("%q: %v", in, err)
			}
		}
	}
}

func TestHeaderLimit(t *testing.T) {
	tests := []struct {
		name, in string
		max      int
		want     error
	}{
		{"just fits", "A: b\r\n\r\nbody", 8, nil},
		{"one too long", "A: bc\r\n\r\nbody", 8, ErrHeaderTooLarge},
		{"completed, just fits", "A: b\r\n", 8, nil},
		{"completed, one too long", "A: bc\r\n", 8, ErrHeaderTooLarge},
		{"field of 1 MB", "A: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 0, ErrHeaderTooLarge},
		{"1 MB of fields", strings.Repeat("A: b\r\n", 1<<18) + "\r\n", 0, ErrHeaderTooLarge},
		{"10,000 fields", strings.Repeat("Field: value\r\n", 10000) + "\r\nbody\r\n", 0, nil},
		{"body without any empty line", strings.Repeat("not a field\r\n", 1<<16), 0, nil},
		{"endless source", "A: b", 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, b, err := readAll(Reader{MaxHeader: tt.max}, strings.NewReader(tt.in))
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if got := string(h.Raw()) + string(b); err == nil && strings.ReplaceAll(got, "\r\n", "") != strings.ReplaceAll(tt.in, "\r\n", "") {
				t.Errorf("%.80q became %.80q", tt.in, got)
			}
		})
	}
}

func TestReaderPassesErrorsOn(t *testing.T) {
	broken := errors.New("connection lost")
	for _, in := range []string{"", "A: b", "A: b\r\n\r\n", "A: b\r\n\r\nbody", "A: b\r\n\r\nbody\r"} {
		_, b, err := readAll(Reader{}, io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)))
		if err != broken {
			t.Errorf("%q: %q, %v", in, b, err)
		}
	}
	if _, _, err := readAll(Reader{}, stuck{}); err != io.ErrNoProgress {
		t.Error(err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// TestReaderStreams: of a large body only one buffer is ever held.
func TestReaderStreams(t *testing.T) {
	src := io.MultiReader(strings.NewReader("A: b\r\n\r\n"), io.LimitReader(filler(strings.Repeat("x", 62)+"\r\n"), 64<<20))
	_, body, err := Reader{}.Read(src)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 32<<10)
	var total int
	allocs := testing.AllocsPerRun(100, func() {
		n, err := io.ReadFull(body, buf)
		if total += n; err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 0 {
		t.Errorf("%.1f allocations for each buffer of clean text", allocs)
	}
}

// filler is its line of 64 bytes without end.
type filler string

func (line filler) Read(p []byte) (int, error) {
	n := len(p) &^ 63
	for i := 0; i < n; i += 64 {
		copy(p[i:], line)
	}
	return n, nil
}

// chunks is an io.Reader that returns pieces of random length.
type chunks struct {
	p   []byte
	rnd *rand.Rand
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.p) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.p[:min(len(c.p), 1+c.rnd.IntN(40))])
	c.p = c.p[n:]
	return n, nil
}

// FuzzReader: what comes out has no line end but CRLF, ends in one, does not
// depend on how it came in, and is the same when it goes in again.
func FuzzReader(f *testing.F) {
	for _, s := range []string{"", "\r\n", "A: b\r\n\r\nc", "A: b\nC: d\n\ne\r\r\n.\r\n", "\r", "\n\n", "x\r\n", "From a\r\n x", "A: b\r\n\r\n\x00",
		"A: b\r\n\r\nx\r\r\r\r\r\r\r\r\r\r\r\n\ry\r\r"} {
		f.Add([]byte(s), uint64(1))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		h, b, err := readAll(Reader{}, bytes.NewReader(in))
		h2, b2, err2 := readAll(Reader{}, &chunks{in, rand.New(rand.NewPCG(seed, 0))})
		if (err == nil) != (err2 == nil) || err == nil && (!bytes.Equal(h.Raw(), h2.Raw()) || !bytes.Equal(b, b2)) {
			t.Fatalf("in pieces %q %q %v, at once %q %q %v", h2.Raw(), b2, err2, h.Raw(), b, err)
		}
		if bytes.IndexByte(in, 0) >= 0 && err == nil {
			t.Fatal("NUL passed")
		}
		if err != nil {
			return
		}
		out := append(bytes.Clone(h.Raw()), b...)
		rest := bytes.ReplaceAll(bytes.ReplaceAll(out, []byte("\r\n"), nil), []byte("X-Mailbox-Line: "), nil)
		if bytes.ContainsAny(rest, "\r\n") || !bytes.HasSuffix(out, []byte("\r\n")) {
			t.Fatalf("line ends of %q", out)
		}
		plain := regexp.MustCompile("\r{0,8}\n").ReplaceAll(in, nil)
		plain = bytes.ReplaceAll(bytes.ReplaceAll(plain, []byte("X-Mailbox-Line: "), nil), []byte("\r"), []byte(" "))
		if !bytes.Equal(plain, rest) {
			t.Fatalf("%q became %q", in, out)
		}
		h3, b3, err := readAll(Reader{RejectBare: true}, bytes.NewReader(out))
		if err != nil || !bytes.Equal(h3.Raw(), h.Raw()) || !bytes.Equal(b3, b) {
			t.Fatalf("again: %q %q %v, first %q %q", h3.Raw(), b3, err, h.Raw(), b)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	in := []byte(strings.Repeat("Field-Name: some value of a usual length, not too short\r\n", 30) + "\r\n" +
		strings.Repeat(strings.Repeat("x", 70)+"\r\n", 140))
	src := bytes.NewReader(nil)
	buf := make([]byte, 32<<10)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(in)
		_, body, err := Reader{}.Read(src)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = body.Read(buf)
		}
	}
}
