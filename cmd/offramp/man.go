package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man [DIR]", Short: "Write the manual pages: to DIR, or this program's page to stdout",
		Long: "Write the manual pages of all commands to DIR, which is made where it is missing: in\n" +
			"/usr/local/share/man/man1 the program man finds them. Without DIR, write this\n" +
			"program's page with all settings to stdout.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.InitDefaultCompletionCmd()
			if len(args) == 0 {
				return a.manPage(a.stdout, root)
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fault("man: %s", plainPathError(err))
			}
			return a.manPages(args[0], root)
		},
	}
}

// manPages writes a page for cmd and for each command below it.
func (a *app) manPages(dir string, cmd *cobra.Command) error {
	var page bytes.Buffer
	if err := a.manPage(&page, cmd); err != nil {
		return err
	}
	path := filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
	if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil {
		return fault("man: %s", plainPathError(err))
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			if err := a.manPages(dir, sub); err != nil {
				return err
			}
		}
	}
	return nil
}

// manPage writes one page: what cobra makes of the command, and what it does not
// know of.
func (a *app) manPage(w io.Writer, cmd *cobra.Command) error {
	build := readBuild()
	date := a.now()
	header := &doc.GenManHeader{Section: "1", Source: "Offramp " + build.Version, Manual: "Offramp manual", Date: &date}
	cmd.DisableAutoGenTag = true
	if err := doc.GenMan(asMarkdown(cmd), header, w); err != nil {
		return err
	}
	var more strings.Builder
	if !cmd.HasParent() {
		more.WriteString("# ENVIRONMENT\n")
		for _, f := range fieldsOf(new(settings)) {
			fmt.Fprintf(&more, "**%s**\n:   %s\n\n", literal(f.Name), literal(f.Doc))
		}
	}
	more.WriteString("# EXIT STATUS\n0 success, 1 failure, 2 wrong command line or settings, 75 try again later.\n")
	page := md2man.Render([]byte("% title\n" + more.String()))
	_, sections, ok := bytes.Cut(page, []byte("\n.SH "))
	if !ok {
		return errors.New("man: no sections were rendered")
	}
	_, err := w.Write(append([]byte(".SH "), sections...))
	return err
}

// asMarkdown has the texts of a command mean themselves in Markdown, which cobra
// takes them for.
func asMarkdown(cmd *cobra.Command) *cobra.Command {
	shown := *cmd
	shown.Short, shown.Long = literal(cmd.Short), literal(cmd.Long)
	return &shown
}

// literal escapes what Markdown would take for marks, outside of code.
func literal(text string) string {
	escape := strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "#", `\#`, "|", `\|`)
	parts := strings.Split(text, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = escape.Replace(parts[i])
	}
	return strings.Join(parts, "`")
}
