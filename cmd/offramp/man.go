package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man [DIR]", Short: "Write the manual pages: to DIR, or this program's page to stdout",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.InitDefaultCompletionCmd()
			if len(args) == 0 {
				return a.manPage(a.stdout, root)
			}
			return a.manPages(args[0], root)
		},
	}
}

// manPages writes a page for cmd and for each command below it.
func (a *app) manPages(dir string, cmd *cobra.Command) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault("man: %s", plainPathError(err))
	}
	f, err := os.Create(filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"))
	if err != nil {
		return fault("man: %s", plainPathError(err))
	}
	err = a.manPage(f, cmd)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	for _, sub := range cmd.Commands() {
		if err == nil && sub.IsAvailableCommand() {
			err = a.manPages(dir, sub)
		}
	}
	return err
}

// manPage writes one page in the man macros (man(7)).
func (a *app) manPage(w io.Writer, cmd *cobra.Command) error {
	var b strings.Builder
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"Offramp %s\" \"Offramp manual\"\n", roff(strings.ToUpper(name)), roff(readBuild().Version))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(cmd.UseLine()))
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", roff(long))
	if cmd.HasAvailableSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(sub.Use), roff(sub.Short))
			}
		}
	}
	b.WriteString(".SH OPTIONS\n")
	cmd.Flags().VisitAll(func(f *pflag.Flag) { manFlag(&b, f) })
	cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { manFlag(&b, f) })
	if cmd.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(cmd.Example))
	}
	if !cmd.HasParent() {
		b.WriteString(".SH ENVIRONMENT\n")
		var s settings
		for _, f := range fieldsOf(&s) {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(f.Name), roff(f.Doc))
		}
	}
	b.WriteString(".SH EXIT STATUS\n0 success, 1 failure, 2 wrong command line or settings, 75 try again later.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func manFlag(b *strings.Builder, f *pflag.Flag) {
	if !f.Hidden {
		kind, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(b, ".TP\n.B \\-\\-%s %s\n%s\n", roff(f.Name), roff(kind), roff(usage))
	}
}

// roff escapes text: a backslash or hyphen means itself, and a line that
// starts with a dot or a quote is no request.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	parts := strings.Split(s, "\n")
	for i, p := range parts {
		if strings.HasPrefix(p, ".") || strings.HasPrefix(p, "'") {
			parts[i] = `\&` + p
		}
	}
	return strings.Join(parts, "\n")
}
