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
			w := newWire(p, nil, time.Second)
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
			d := &dotWriter{wire: newWire(&pipe{}, nil, time.Second)}
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

// Replies are taken one by one at any cut; text and the space before it may be missing.
func TestReplies(t *testing.T) {
	for in, want := range map[string]reply{
		"250 ok\r\n":                     {250, "ok"},
		"250\r\n":                        {250, ""},
		"250 \r\n":                       {250, ""},
		"250\n":                          {250, ""},
		"250\tok\r\n":                    {250, "ok"},
		"250ok\r\n":                      {250, "ok"},
		"354\r\n":                        {354, ""},
		"250-a\r\n250-b\r\n250 c\r\n":    {250, "a\nb\nc"},
		"250-a\r\n250-\r\n250\r\n":       {250, "a\n\n"},
		"250-a\r\n251 b\r\n":             {251, "a\nb"},
		"550-5.7.1 a\r\n550 5.7.1 b\r\n": {550, "5.7.1 a\n5.7.1 b"},
	} {
		for _, max := range []int{0, 1, 5} {
			w := newWire(&pipe{in: strings.NewReader(in + "250 next\r\n"), max: max}, nil, time.Second)
			got, err := w.reply(time.Second)
			if err != nil || got != want {
				t.Errorf("%q in pieces of %d: %+v, %v", in, max, got, err)
			}
			if err := w.quiet(); max == 0 && !errors.Is(err, errOutOfStep) {
				t.Errorf("%q: the next reply is not noticed: %v", in, err)
			}
		}
	}
}

func TestRefusedReplies(t *testing.T) {
	for _, in := range []string{
		"ok\r\n", "\r\n", "25\r\n", "2500 ok\r\n", "100 go on\r\n", "666 no\r\n", "250-a\r\n\r\n", "250-a\r\n550 b\r\n",
		"250", "250-a\r\n", strings.Repeat("x", 1<<20), "250 " + strings.Repeat("x", 1<<20), strings.Repeat("250-x\r\n", 1<<20),
	} {
		in := strings.NewReader(in)
		if got, err := newWire(&pipe{in: in}, nil, time.Second).reply(time.Second); err == nil {
			t.Errorf("%+v", got)
		}
		if read := int(in.Size()) - in.Len(); read > replyLimit+2*maxReplyLine {
			t.Errorf("%d bytes were read", read)
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{"220 x\r\n", "220-a\r\n220 b\r\n", "2", "220\r\n", "220_\r\n", "250-a\r\n251 b\r\n", "\r\n", "99999 x\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := newWire(&pipe{in: bytes.NewReader(in)}, nil, time.Second).reply(time.Second)
		_, err = wanted(2, r, err)
		if err == nil && in[0] != '2' {
			t.Errorf("%q passes for success", in)
		}
		if err != nil {
			if st := Explain(&stageError{stage: StageGreeting, host: "h", err: err}).Status; len(st.Text) > MaxText || strings.ContainsAny(st.Text, "\r\n\x00") {
				t.Errorf("status %q", st.Text)
			}
		}
	})
}
