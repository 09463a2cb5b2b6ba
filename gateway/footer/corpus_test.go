package footer

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus returns the messages of MAIL_CORPUS, each as if it went to a list.
func corpus(t *testing.T) []letter {
	t.Helper()
	dir := os.Getenv("MAIL_CORPUS")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("MAIL_CORPUS is not set")
		}
		t.Skip("MAIL_CORPUS is not set")
	}
	var all []letter
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".md" || filepath.Ext(path) == ".tsv" || d.Name() == "LICENSE" {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		all = append(all, newLetter(strings.NewReplacer("/", "_", ".", "_").Replace(name), raw))
		return err
	})
	if err != nil || len(all) < 300 {
		t.Fatalf("%d messages, %v: is that the whole corpus?", len(all), err)
	}
	return all
}

// Real mail gets the line in the last text of each kind, and nothing else of it
// changes.
func TestCorpus(t *testing.T) {
	all := corpus(t)
	results, f := map[string]int{}, newFooter(t, "")
	for _, l := range all {
		plan, _ := l.with(t, f, false)
		results[plan.String()]++
	}
	t.Logf("%d messages: %v", len(all), results)
	if results["added"] < 200 {
		t.Error("few got the line: is every message taken for list mail?")
	}
	var pages []judged
	for _, j := range judge(t, all) {
		if j.Page != "" && j.Form != "seven" {
			pages = append(pages, j)
		}
	}
	t.Logf("%d pages", len(pages))
	see(t, pages)
}
