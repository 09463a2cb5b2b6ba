package relay

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestCorpus takes every message of the corpus: none is refused, and what is
// kept is what came, but for settled line ends and the two that may be added.
func TestCorpus(t *testing.T) {
	root := os.Getenv("MAIL_CORPUS")
	if root == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("MAIL_CORPUS is not set")
		}
		t.Skip("MAIL_CORPUS is not set")
	}
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".md" || filepath.Ext(path) == ".tsv" || d.Name() == "LICENSE" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		f := &fake{}
		if _, err := newRelay(f).Accept(t.Context(), client, letter(t, "a@b.example", "c@d.example"), bytes.NewReader(data)); err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		got := append(f.commits[0].message.Header, f.commits[0].body.Bytes()...)
		want := settled(data)
		// A header that is none is an empty one, behind the separators.
		headless := bytes.Replace(want, []byte("\r\n"), []byte("\r\n\r\n"), 1)
		if bytes.Equal(got, want) || bytes.HasPrefix(want, []byte("X-Mailbox-Line: ")) && bytes.Equal(got, headless) || bytes.Equal(got, append([]byte("\r\n"), want...)) || bytes.Equal(got, append(want, "\r\n"...)) {
			return nil
		}
		t.Errorf("%s: octets changed", path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 300 {
		t.Errorf("only %d messages", n)
	}
}

// settled is the rule for line ends, done in the plainest way.
func settled(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte(" "))
	data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
	if !bytes.HasSuffix(data, []byte("\r\n")) {
		data = append(data, "\r\n"...)
	}
	// Separators of an mbox on top get a name.
	var top []byte
	for bytes.HasPrefix(bytes.TrimLeft(data, ">"), []byte("From ")) {
		end := bytes.IndexByte(data, '\n') + 1
		top = append(append(top, "X-Mailbox-Line: "...), data[:end]...)
		data = data[end:]
	}
	return append(top, data...)
}
