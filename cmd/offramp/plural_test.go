package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestPlural(t *testing.T) {
	for _, c := range []struct {
		n    int
		more []string
		want string
	}{
		{0, nil, "0 messages"}, {1, nil, "1 message"}, {2, nil, "2 messages"}, {999, nil, "999 messages"}, {1000, nil, "1,000 messages"},
		{1234567, nil, "1,234,567 messages"}, {1, []string{"people"}, "1 message"}, {5, []string{"people"}, "5 people"}, {-1, nil, "-1 messages"}, {-1234, nil, "-1,234 messages"},
	} {
		if got := plural(c.n, "message", c.more...); got != c.want {
			t.Errorf("plural(%d) = %s, want %s", c.n, got, c.want)
		}
		if got := plural(int64(c.n), "message", c.more...); got != c.want {
			t.Errorf("plural(%d) = %s, want %s", c.n, got, c.want)
		}
	}
}

// atLeastTwo are texts whose number is a limit or a size, and never one.
var atLeastTwo = []string{
	"at most %d bytes", "at most %d characters", "more than %d records", "more than %d bytes", "At most %d choices", "over %d bytes",
	"longer than %d bytes", "1 to %d characters", "has %d bytes", "there %d times", "there are %d records", "has %d records", "body hash of %d bytes",
	"of %d bytes", "%d bits", "%d bytes, want %d", "%d bytes, at most", "%d recipients are held", "%d recipients for one message", "%d fields:", "%d https URIs",
	"have %d bytes", "KeyRing(%d keys)", "entry %d repeats", "key %d repeats",
}

var countedNoun = regexp.MustCompile(`%d [a-z-]*[a-z]{2}s\b`)

// A count before a noun is written by plural, so that there is no "1 messages".
func TestCountsArePlural(t *testing.T) {
	for _, dir := range []string{"cmd", "gateway", "listunsub", "store/sqlite"} {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				text, _ := strconv.Unquote(lit.Value)
				for _, allowed := range atLeastTwo {
					text = strings.ReplaceAll(text, allowed, "")
				}
				if found := countedNoun.FindString(text); found != "" {
					t.Errorf("%s: %q in %q", files.Position(lit.Pos()), found, text)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
