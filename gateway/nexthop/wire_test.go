package nexthop

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// pipe is a connection that reads from in and keeps what is written.
type pipe struct {
	net.Conn
	in  io.Reader
	out bytes.Buffer
	max int // bytes handed over at a time; 0: all
}

func (p *pipe) Read(b []byte) (int, error) {
	if p.max > 0 && len(b) > p.max {
		b = b[:p.max]
	}
	return p.in.Read(b)
}
func (p *pipe) Write(b []byte) (int, error)      { return p.out.Write(b) }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

var contents = []string{
	"", "a", "a\r\n", ".\r\n", ".", "..\r\n.\r\n", "a\r\n.b\r\n\r\n.\r\n", "\r\n", "\r\n\r\n", "no end\r\n.x",
	strings.Repeat("line\r\n.dot\r\n", 10000),
}

// TestDotWriter: what leaves is what textproto reads back, at any cut.
func TestDotWriter(t *testing.T) {
	for _, content := range contents {
		for _, cut := range []int{1, 2, 3, 7, 1 << 20} {
			if len(content) > 1000 && cut < 7 {
				continue
			}
			p := &pipe{}
			w := newWire(p, time.Second)
			d := &dotWriter{wire: w}
			for rest := []byte(content); len(rest) > 0; {
				n := min(cut, len(rest))
				if _, err := d.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if err := d.end(); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte("\r\n.\r\n")); err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			tw := textproto.NewWriter(bufio.NewWriter(&want)).DotWriter()
			_, _ = io.WriteString(tw, content)
			tw.Close()
			if !bytes.Equal(p.out.Bytes(), want.Bytes()) {
				t.Errorf("%.40q in pieces of %d: %.60q, want %.60q", content, cut, p.out.Bytes(), want.Bytes())
			}
		}
	}
}

func TestDotWriterRefusesLoneLineEnds(t *testing.T) {
	for _, content := range []string{"a\nb", "a\rb\r\n", "\n.\r\n", "a\r\r\n", "a\r", "\r.\r\n"} {
		for _, cut := range []int{1, 100} {
			d := &dotWriter{wire: newWire(&pipe{}, time.Second)}
			var err error
			for rest := []byte(content); len(rest) > 0 && err == nil; {
				n := min(cut, len(rest))
				_, err = d.Write(rest[:n])
				rest = rest[n:]
			}
			if err == nil {
				err = d.end()
			}
			if !errors.Is(err, errLineEnd) {
				t.Errorf("%q in pieces of %d: %v", content, cut, err)
			}
		}
	}
}

func TestWireHandsOverOneReply(t *testing.T) {
	for _, max := range []int{0, 1, 5} {
		w := newWire(&pipe{in: strings.NewReader("250-a\r\n250 b\r\n250 c\r\n354 d\r\n"), max: max}, time.Second)
		var got []byte
		buf := make([]byte, 100)
		for !bytes.HasSuffix(got, []byte("250 b\r\n")) {
			n, err := w.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, buf[:n]...)
		}
		if string(got) != "250-a\r\n250 b\r\n" {
			t.Errorf("got %q", got)
		}
		_, err := w.Write([]byte("x"))
		if (max != 1) != errors.Is(err, errOutOfStep) {
			t.Errorf("in pieces of %d: %v", max, err)
		}
	}
}

func TestWireBoundsReplies(t *testing.T) {
	w := newWire(&pipe{in: strings.NewReader(strings.Repeat("x", 1<<20))}, time.Second)
	n, err := io.Copy(io.Discard, w)
	if !errors.Is(err, errReplyTooLong) || n > replyLimit+4096 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{"220 x\r\n", "220-a\r\n220 b\r\n", "2", "220\r\n", "220_\r\n", "250-a\r\n251 b\r\n", "\r\n", "99999 x\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d := dialogue{wire: newWire(&pipe{in: bytes.NewReader(in)}, time.Second), timeout: time.Second}
		lines, err := d.expect(220)
		if err == nil && len(lines) == 0 {
			t.Error("success without a line")
		}
		if err == nil && !bytes.HasPrefix(in, []byte("220")) {
			t.Errorf("%q passes for 220", in)
		}
		if err != nil {
			if st := Explain(&stageError{stage: StageGreeting, host: "h", err: err}).Status; len(st.Text) > MaxText || strings.ContainsAny(st.Text, "\r\n\x00") {
				t.Errorf("status %q", st.Text)
			}
		}
	})
}
