package listunsub

import (
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
		for _, f := range splitHeader(message) {
			switch f.name {
			case "list-unsubscribe":
				fields++
				if uris, err := Parse(f.raw); err != nil {
					t.Errorf("%s: %q: %v", name, f.raw, err)
				} else if len(uris) > 4 {
					t.Errorf("%s: %q in %d pieces", name, f.raw, len(uris))
				}
			case "list-id":
				fields++
				if _, err := ParseListID(f.raw); err != nil {
					t.Errorf("%s: %q: %v", name, f.raw, err)
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
