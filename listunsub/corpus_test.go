package listunsub

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestCorpus reads every list field of the mail in MAIL_CORPUS: what real
// senders wrote must parse.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("MAIL_CORPUS")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("MAIL_CORPUS is not set")
		}
		t.Skip("MAIL_CORPUS is not set")
	}
	files, fields := 0, 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		message, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files++
		Lint(message)
		// Bounces hold the header of the mail they return: look at every block.
		for block := range bytes.SplitSeq(bytes.ReplaceAll(message, []byte("\r\n"), []byte("\n")), []byte("\n\n")) {
			for _, f := range splitHeader(block) {
				if checkCorpusField(t, name, f) {
					fields++
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if fields == 0 {
		t.Errorf("no list field in %d files", files)
	}
	t.Logf("%d files, %d list fields", files, fields)
}

// checkCorpusField says whether f is a list field.
func checkCorpusField(t *testing.T, name string, f lintField) bool {
	switch f.name {
	case "list-unsubscribe":
		uris, err := Parse(f.raw)
		if err != nil || len(uris) > 4 {
			t.Errorf("%s: %q: %q, %v", name, f.raw, uris, err)
		}
		return true
	case "list-id":
		if l, err := ParseListID(f.raw); err != nil {
			t.Errorf("%s: %q: %+v, %v", name, f.raw, l, err)
		}
		return true
	}
	return false
}
