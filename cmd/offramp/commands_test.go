package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// printed is a command that a reader may copy, and where it stands.
type printed struct {
	at, line string
	prose    bool // in a sentence, where a command without arguments is a name
}

// Every offramp command in the documents, the help or a message is
// one the program takes: its name, its flags and the number of its arguments.
func TestPrintedCommandsParse(t *testing.T) {
	all := append(inlineCommands(t), messageCommands(t)...)
	for _, block := range shellBlocks(t) {
		all = append(all, block.lines...)
	}
	all = append(all, exampleCommands((&app{}).commands())...)
	found := 0
	for _, p := range all {
		for _, words := range offrampCalls(p.line) {
			found++
			if err := parses(words); err != nil && !(p.prose && names(words)) {
				t.Errorf("%s: %s: %v", p.at, p.line, err)
			}
		}
	}
	if found < 80 {
		t.Errorf("only %d commands were found", found)
	}
	for _, wrong := range []string{"offramp initt x", "offramp init", "offramp queue lst", "offramp dns x --chek", "offramp lists set a b"} {
		if parses(strings.Fields(wrong)[1:]) == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// parses says whether the command tree takes the words, without running them.
func parses(words []string) error {
	root := (&app{env: map[string]string{}}).commands()
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); errors.Is(err, pflag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	args := cmd.Flags().Args()
	if cmd == root && len(args) == 0 {
		return errors.New("no command")
	}
	return cmd.ValidateArgs(args)
}

// names says whether the words are a command and nothing else.
func names(words []string) bool {
	cmd, rest, err := (&app{}).commands().Find(words)
	return err == nil && len(rest) == 0 && (cmd.HasParent() || len(words) == 0)
}

// offrampCalls are the words behind each call of the program in a line of shell.
// An ellipsis is for the reader.
func offrampCalls(line string) [][]string {
	var calls [][]string
	for _, words := range simpleCommands(line) {
		if len(words) > 0 && words[0] == "offramp" {
			var call []string
			for _, w := range words[1:] {
				if w = strings.Trim(w, "[]"); w != "..." {
					call = append(call, strings.TrimSuffix(w, "..."))
				}
			}
			calls = append(calls, call)
		}
	}
	return calls
}

// simpleCommands splits a line of shell at its operators and into words.
func simpleCommands(line string) [][]string {
	all := [][]string{nil}
	var word strings.Builder
	inside, quote := false, byte(0)
	end := func() {
		if inside {
			all[len(all)-1] = append(all[len(all)-1], word.String())
		}
		word.Reset()
		inside = false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				word.WriteByte(c)
			}
		case c == '\'' || c == '"':
			quote, inside = c, true
		case c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			inside = true
		case c == '#' && !inside:
			end()
			return all
		case c == ' ' || c == '\t':
			end()
		case c == '|' || c == '&' || c == ';':
			end()
			all = append(all, nil)
		case c == '>' || c == '<': // the file is no argument
			end()
			all = append(all, nil)
		default:
			word.WriteByte(c)
			inside = true
		}
	}
	end()
	return all
}

// shellBlock is a fenced block of shell in a document.
type shellBlock struct {
	tried bool // marked as a recipe or a snippet, which other tests run, or as an example that needs another program
	lines []printed
}

func pages(t *testing.T) []string {
	t.Helper()
	docs, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(docs) < 5 {
		t.Fatal("documents are missing", err)
	}
	return append(docs, "../../README.md")
}

func shellBlocks(t *testing.T) []shellBlock {
	t.Helper()
	var all []shellBlock
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		inside, before := false, ""
		for n, line := range strings.Split(string(text), "\n") {
			at := fmt.Sprintf("%s:%d", filepath.Base(page), n+1)
			switch {
			case line == "```sh":
				inside = true
				all = append(all, shellBlock{tried: strings.HasPrefix(before, "<!-- ")})
			case strings.HasPrefix(line, "```"):
				inside = false
			case inside && strings.TrimSpace(line) != "":
				b := &all[len(all)-1]
				if last := len(b.lines) - 1; last >= 0 && strings.HasSuffix(b.lines[last].line, "\\") {
					b.lines[last].line = strings.TrimSuffix(b.lines[last].line, "\\") + strings.TrimSpace(line)
					continue
				}
				b.lines = append(b.lines, printed{at: at, line: line})
			}
			before = line
		}
	}
	return all
}

var inline = regexp.MustCompile("`(offramp [^`]+)`")

// inlineCommands are those in running text.
func inlineCommands(t *testing.T) []printed {
	t.Helper()
	var all []printed
	files := append(pages(t), "../../contrib/docker/compose.yml", "../../contrib/systemd/offramp.service", "../../CHANGELOG.md")
	for _, page := range files {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inline.FindAllStringSubmatch(string(text), -1) {
			all = append(all, printed{filepath.Base(page), strings.Join(strings.Fields(m[1]), " "), true})
		}
	}
	return all
}

// messageCommands are those in the texts of the program; a verb is an argument.
func messageCommands(t *testing.T) []printed {
	t.Helper()
	var all []printed
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	rooms, err := filepath.Glob("../../gateway/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(sources, rooms...) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				return true
			}
			for _, m := range inline.FindAllStringSubmatch(text, -1) {
				all = append(all, printed{files.Position(lit.Pos()).String(), strings.NewReplacer("%s", "x", "%q", "x").Replace(m[1]), true})
			}
			return true
		})
	}
	return all
}

// exampleCommands are those of the help.
func exampleCommands(cmd *cobra.Command) []printed {
	var all []printed
	for line := range strings.SplitSeq(strings.ReplaceAll(cmd.Example, "\\\n", " "), "\n") {
		all = append(all, printed{at: "help of " + cmd.CommandPath(), line: line})
	}
	for _, sub := range cmd.Commands() {
		all = append(all, exampleCommands(sub)...)
	}
	return all
}
