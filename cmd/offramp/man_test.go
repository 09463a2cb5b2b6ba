package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// There is a page for each command, man(1) has nothing to say against it, and
// what the help says is on it.
func TestManualPages(t *testing.T) {
	a, _, _ := newApp(t, "")
	dir := t.TempDir()
	if code := a.run([]string{"man", dir}); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	succeeds(t, err)
	if len(pages) < 50 {
		t.Errorf("%d pages", len(pages))
	}
	man, err := exec.LookPath("man")
	for _, page := range pages {
		raw, readErr := os.ReadFile(page)
		succeeds(t, readErr)
		name := strings.TrimSuffix(filepath.Base(page), ".1")
		for _, want := range []string{".SH NAME\n" + name + " - ", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH EXIT STATUS"} {
			if !bytes.Contains(raw, []byte(want)) {
				t.Errorf("%s has no %q", name, want)
			}
		}
		if err != nil {
			continue // there is no man here
		}
		cmd := exec.Command(man, "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page)
		var said bytes.Buffer
		cmd.Stderr = &said
		if runErr := cmd.Run(); runErr != nil || said.Len() > 0 {
			t.Errorf("%s: %v %s", name, runErr, said.String())
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "offramp.1"))
	succeeds(t, err)
	for _, f := range fieldsOf(new(settings)) {
		if !bytes.Contains(raw, []byte(f.Name)) {
			t.Errorf("offramp.1 has no %s", f.Name)
		}
	}
}

// Marks of Markdown in a text stay what they are.
func TestLiteral(t *testing.T) {
	for text, want := range map[string]string{
		"a *b* <c> _d_":  `a \*b\* \<c\> \_d\_`,
		"run `a *b*` it": "run `a *b*` it",
		"[x](y) # |":     `\[x\](y) \# \|`,
	} {
		if got := literal(text); got != want {
			t.Errorf("literal(%q) = %q, want %q", text, got, want)
		}
	}
}
