package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Files and functions that are easy to read: a function fits a screen.
const (
	maxFileLines     = 400
	maxFunctionLines = 60
)

// No file and no function has grown too long; tests are left out.
func TestFilesAndFunctionsAreShort(t *testing.T) {
	root, files := filepath.Join("..", ".."), 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		files++
		set := token.NewFileSet()
		source, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		lines := func(from, to token.Pos) int { return set.Position(to).Line - set.Position(from).Line + 1 }
		if n := lines(source.FileStart, source.FileEnd) - 1; n > maxFileLines {
			t.Errorf("%s has %d lines: %d at most", file, n, maxFileLines)
		}
		for _, d := range source.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := lines(f.Pos(), f.End()); n > maxFunctionLines {
				t.Errorf("%s: %s has %d lines: %d at most", file, f.Name.Name, n, maxFunctionLines)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no files found")
	}
}
