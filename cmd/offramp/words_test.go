package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// privateWords are words that a reader from the field stops at, each with the
// plain one.
var privateWords = []struct {
	word  *regexp.Regexp
	plain string
}{
	{regexp.MustCompile(`(?i)\boctets?\b`), "byte"},
	{regexp.MustCompile(`(?i)\bmend(s|ed|ing)?\b`), "fix, work around or normalise"},
	{regexp.MustCompile(`(?i)\bfault(s|y)?\b`), "error, invalid or bug"},
	{regexp.MustCompile(`(?i)\btold\b`), "reported or notified"},
	{regexp.MustCompile(`(?i)\bof ours\b`), "our"},
	{regexp.MustCompile(`(?i)\bstands? for\b`), "means"},
	{regexp.MustCompile(`(?i)\b(is|are) none of\b`), "want a, b or c"},
	{regexp.MustCompile(`(?i)(^|[^o] )whom\b`), "who, or the recipient"},
	{regexp.MustCompile(`(?i)\bwho left\b`), "who unsubscribed"},
	{regexp.MustCompile(`(?i)\bbegun\b`), "started, or created"},
	{regexp.MustCompile(`(?i)\banew\b`), "again"},
	{regexp.MustCompile(`(?i)\bway out\b`), "unsubscribe"},
	{regexp.MustCompile(`(?i)\b(our|internal|passing) trouble\b|\btrouble (that|of)\b`), "error, or temporary problem"},
	{regexp.MustCompile(`(?i)\bis neither [a-z]+ nor\b`), "want a or b"},
	{regexp.MustCompile(`(?i)(%q|%s|\bit|\bthis|_[A-Z]+) is no [a-z]`), "invalid, or is not a"},
}

// What an outsider reads (help, errors, logs, replies, settings, documents and
// the English page) has no private words.
func TestPlainWords(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, dir := range []string{"cmd", "gateway", "listunsub", "store"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				checkLiterals(t, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	texts := []string{"README.md", "CHANGELOG.md", "Dockerfile", "gateway/language/texts/en.json"}
	for _, pattern := range []string{"docs/*.md", "contrib/*/*", "gateway/web/templates/*"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: no files (%v)", pattern, err)
		}
		for _, path := range found {
			name, _ := filepath.Rel(root, path)
			texts = append(texts, name)
		}
	}
	for _, name := range texts {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			checkWords(t, name, n+1, line)
		}
	}
}

// checkLiterals checks the string literals of a Go file, of which struct tags
// are some.
func checkLiterals(t *testing.T, path string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			// One word alone is a name: of a log key, a column, a JSON field.
			if err == nil && strings.Contains(text, " ") {
				checkWords(t, path, files.Position(lit.Pos()).Line, text)
			}
		}
		return true
	})
}

func checkWords(t *testing.T, path string, line int, text string) {
	t.Helper()
	for _, p := range privateWords {
		if found := p.word.FindString(text); found != "" {
			t.Errorf("%s:%d: %q in %q: say %s", path, line, found, text, p.plain)
		}
	}
}
