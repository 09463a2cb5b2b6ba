package diagnosis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestField reads the cases of the field that lie beside the corpus, and what the
// table beside them wants of each.
func TestField(t *testing.T) {
	dir := os.Getenv("MAIL_CORPUS")
	if dir == "" {
		t.Skip("MAIL_CORPUS is not set, which TestCorpus complains about")
	}
	dir = filepath.Join(dir, "..", "cases")
	table, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(table), "\nbounce/:")
	rows, _, _ = strings.Cut(rows, "\n\n")
	seen := 0
	for line := range strings.Lines(rows) {
		c := strings.Split(line, "|")
		if len(c) != 4 || strings.HasPrefix(c[1], "-") || strings.TrimSpace(c[1]) == "file" {
			continue
		}
		names, _, _ := strings.Cut(c[1], "(")
		for name := range strings.SplitSeq(names, ",") {
			for _, file := range caseFiles(t, filepath.Join(dir, "bounce"), strings.TrimSpace(name)) {
				seen++
				wanted(t, file, strings.TrimSpace(c[2]))
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d cases", seen)
	}
}

// caseFiles finds the files of a name, which may be only how they begin.
func caseFiles(t *testing.T, dir, name string) []string {
	t.Helper()
	base := filepath.Join(dir, strings.TrimSuffix(strings.TrimSuffix(name, ".eml"), ".txt"))
	var found []string
	for _, end := range []string{"-*", ".eml", ".txt"} {
		more, err := filepath.Glob(base + end)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, more...)
	}
	if len(found) == 0 {
		t.Errorf("%s: no such case", name)
	}
	return found
}

func wanted(t *testing.T, file, want string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(file) == ".txt" {
		for line := range strings.Lines(string(raw)) {
			status, reply := codesIn(line)
			class, cause, why := Classify(status, reply, strings.TrimSpace(line[3:]))
			if weight(class, cause) == "none" {
				t.Errorf("%s: %q counts nothing, want %s: %s", filepath.Base(file), line, want, why)
			}
		}
		return
	}
	f := Read(raw, strings.Contains(string(raw), "Return-Path: <>")).Findings[0]
	got := weight(f.Class, f.Cause)
	right := false
	switch one, _, _ := strings.Cut(want, " "); {
	case strings.HasPrefix(want, "hard, or"), strings.HasPrefix(want, "hard ("), want == "at least soft":
		right = got == "hard" || got == "soft"
	case strings.HasPrefix(want, "soft ("):
		right = got == "soft"
	case want == "a bounce":
		right = f.Kind == Bounce
	case want == "no bounce":
		right = f.Kind != Bounce
	case want == "soft at most", want == "never hard", strings.HasPrefix(want, "not hard"):
		right = got != "hard"
	case one == "opt-out":
		right = f.Kind == OptOut || AppleUnsubscribe(Read(raw, false).Header)
	case one == "complaint":
		right = f.Kind == Complaint
	}
	if !right {
		t.Errorf("%s: %s %s, want %s: %+v", filepath.Base(file), f.Kind, got, want, f)
	}
}
