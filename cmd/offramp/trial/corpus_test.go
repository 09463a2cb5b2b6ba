package trial

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// Every message of the corpora goes through: the body octet for octet, the
// header octet for octet apart from the fields put in front and taken out.
func TestCorpusPassesUnharmed(t *testing.T) {
	corpus := os.Getenv("MAIL_CORPUS")
	if corpus == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("MAIL_CORPUS is not set")
		}
		t.Skip("left out: MAIL_CORPUS names no folder of real mail")
	}
	s, err := sink.Start(sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := start(t, "smtp://"+s.Addr(), "LONG_LINES=pass")
	c, err := dial(p.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	sent := 0
	err = filepath.WalkDir(corpus, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".md") || strings.HasSuffix(path, ".tsv") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		want := crlf(raw)
		for _, chunked := range []bool{false, true} {
			send := c.send
			if chunked {
				send = func(from string, to []string, data []byte) error { return c.sendChunks(from, to, data, 1000) }
				if len(want) == 0 {
					continue // BDAT of nothing is covered by smtpd's own tests
				}
			}
			if err := send("news@trial.example", []string{"ada@dest.example"}, want); err != nil {
				t.Errorf("%s: refused: %v", path, err)
				c.close()
				if c, err = dial(p.smtp); err != nil {
					return err
				}
				continue
			}
			sent++
			messages := s.Wait(sent, time.Now().Add(10*time.Second))
			if len(messages) != sent {
				t.Fatalf("%s: did not come out\n%s", path, p.log)
			}
			compare(t, path, want, messages[sent-1].Data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if sent < 600 {
		t.Errorf("only %d messages were sent: is that the whole corpus?", sent)
	}
	t.Logf("%d messages", sent)
}

// crlf makes every line end CRLF, as the sender's mail server does, and gives
// the last line one, as DATA does.
func crlf(raw []byte) []byte {
	out := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	out = bytes.ReplaceAll(out, []byte("\r"), []byte(" "))
	out = bytes.ReplaceAll(out, []byte("\n"), []byte("\r\n"))
	if len(out) > 0 && !bytes.HasSuffix(out, []byte("\r\n")) {
		out = append(out, "\r\n"...)
	}
	return out
}

// inserted are the only fields that may be put in front; removed are the only
// ones that may be missing, and only where ours take their place.
var (
	inserted = []string{"dkim-signature:", "list-unsubscribe:", "list-unsubscribe-post:", "list-id:", "received:", "date:", "message-id:"}
	removed  = []string{"list-unsubscribe:", "list-unsubscribe-post:", "x-offramp-"}
)

func compare(t *testing.T, path string, want, got []byte) {
	t.Helper()
	want = nameSeparators(want)
	head, body, blank := bytes.Cut(want, []byte("\r\n\r\n"))
	if bytes.HasPrefix(want, []byte("\r\n")) { // no header at all
		head, body, blank = nil, want[2:], true
	}
	if !blank { // an empty line is put behind a header, or in front of a body
		head, body = bytes.TrimSuffix(want, []byte("\r\n")), nil
	}
	replaced := append(append(without(head, removed), "\r\n"...), body...)
	for _, whole := range [][]byte{want, replaced, append(without(head, nil), "\r\n"...)} {
		front, found := bytes.CutSuffix(got, whole)
		if !found {
			continue
		}
		front = bytes.TrimSuffix(front, []byte("\r\n\r\n"))
		for len(front) > 0 && hasField(front, inserted) {
			front = front[fieldLength(front):]
		}
		if len(front) == 0 {
			return
		}
	}
	t.Errorf("%s: changed: %s", path, difference(replaced, got[max(0, len(got)-len(replaced)):]))
}

// nameSeparators gives the lines between messages of an mbox on top a name, and
// ends a header there that goes on with no field.
func nameSeparators(raw []byte) []byte {
	var top []byte
	for bytes.HasPrefix(bytes.TrimLeft(raw, ">"), []byte("From ")) {
		n := fieldLength(raw)
		top = append(append(top, "X-Mailbox-Line: "...), raw[:n]...)
		raw = raw[n:]
	}
	line, _, _ := bytes.Cut(raw, []byte("\r\n"))
	name, _, field := bytes.Cut(line, []byte(":"))
	if len(line) > 0 && (!field || len(name) == 0 || bytes.ContainsAny(bytes.TrimRight(name, " \t"), " \t")) {
		top = append(top, "\r\n"...)
	}
	return append(top, raw...)
}

// without returns the header without the named fields, ending in CRLF.
func without(head []byte, names []string) []byte {
	var out []byte
	if len(head) == 0 {
		return nil
	}
	head = append(append([]byte(nil), head...), "\r\n"...)
	for len(head) > 0 {
		n := fieldLength(head)
		if !hasField(head, names) {
			out = append(out, head[:n]...)
		}
		head = head[n:]
	}
	return out
}

func hasField(head []byte, names []string) bool {
	for _, name := range names {
		if len(head) >= len(name) && strings.EqualFold(string(head[:len(name)]), name) {
			return true
		}
	}
	return false
}

// fieldLength is the length of the first field with its continuation lines.
func fieldLength(head []byte) int {
	n := 0
	for {
		i := bytes.Index(head[n:], []byte("\r\n"))
		if i < 0 {
			return len(head)
		}
		n += i + 2
		if n >= len(head) || head[n] != ' ' && head[n] != '\t' {
			return n
		}
	}
}

// difference shows where two headers part.
func difference(want, got []byte) string {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	return fmt.Sprintf("want ...%.80q, got ...%.80q", want[i:], got[i:])
}
