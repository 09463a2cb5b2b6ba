package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// docs/flow.md names the file of each step, and those files are there.
func TestFlowNamesFiles(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "flow.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`([a-z]+/[a-z0-9/]+\\.go)`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 20 {
		t.Errorf("%d files are named", len(names))
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name[1]))); err != nil {
			t.Errorf("docs/flow.md names %s: %v", name[1], err)
		}
	}
}
