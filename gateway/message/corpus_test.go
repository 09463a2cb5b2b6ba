package message

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestCorpus: real mail goes through with every byte in its place. The corpus
// has no placeholder, so nothing is found in it; with many put into
// the bodies what is found is replaced and all else stays.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("MAIL_CORPUS")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("MAIL_CORPUS is not set")
		}
		t.Skip("MAIL_CORPUS is not set")
	}
	messages, found := 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".md" || filepath.Ext(path) == ".tsv" {
			return err
		}
		in, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		in = bytes.ReplaceAll(bytes.ReplaceAll(in, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
		h, body, err := readAll(Reader{RejectBare: true}, bytes.NewReader(in))
		if err != nil {
			t.Errorf("%s: refused: %v", path, err)
			return nil
		}
		messages++
		if out := append(bytes.Clone(h.Without()), body...); !bytes.Equal(out, completed(in)) {
			t.Errorf("%s: octets changed", path)
		}
		if parts := scan(h, body); len(parts) > 0 {
			t.Errorf("%s: found %v", path, parts)
		}
		body = bytes.ReplaceAll(body, []byte("e "), []byte("e "+UnsubscribeURL+" "))
		parts := scan(h, body)
		checkSubstitution(t, body, substitute(t, body, parts, urls), parts, urls)
		found += len(parts)
		return nil
	})
	if err != nil || messages < 300 || found < 100 {
		t.Errorf("%d messages, %d parts, %v", messages, found, err)
	}
}

// completed is in with the insertions the package comment names.
func completed(in []byte) []byte {
	if len(in) > 0 && !bytes.HasSuffix(in, []byte("\r\n")) {
		in = append(bytes.Clone(in), "\r\n"...)
	}
	switch {
	case bytes.Contains(in, []byte("\r\n\r\n")) || bytes.HasPrefix(in, []byte("\r\n")):
		return in
	case looksLikeHeader(in):
		return append(bytes.Clone(in), "\r\n"...)
	}
	return append([]byte("\r\n"), in...)
}
