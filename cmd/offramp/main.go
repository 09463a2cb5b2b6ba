// Command offramp is an SMTP relay that gives every bulk message a working way
// out. `offramp demo` shows it without any set-up; `offramp serve` runs it.
package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"offramp/cmd/offramp/internal/terminal"
)

func main() {
	// Everything Offramp writes holds mail, addresses or keys.
	syscall.Umask(0o077)
	a := &app{
		env: environ(os.Environ()), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		tty: terminal.Is(os.Stdout), inputTTY: terminal.Is(os.Stdin), now: time.Now, resolver: net.DefaultResolver, giveWay: giveWay,
	}
	os.Exit(a.run(os.Args[1:]))
}

// app is one run of the program: everything it takes from the process, so that
// no command reads the process itself.
type app struct {
	env      map[string]string
	stdin    io.Reader
	stdout   io.Writer // data
	stderr   io.Writer // messages
	tty      bool      // stdout is a terminal
	inputTTY bool      // stdin is a terminal
	now      func() time.Time
	resolver resolver
	giveWay  func()         // lowers the priority of this process, for good; nil: it stays
	roots    *x509.CertPool // authorities that certificates are verified against; nil: those of the system

	asJSON  bool   // --json
	envFile string // --env-file

	readsSettings bool // the command does
	hinted        bool // it named the file of settings that it did not read
}

// run executes one command and returns the exit code.
func (a *app) run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once: the first one restores the
	// default action.
	context.AfterFunc(ctx, stop)

	root := a.commands()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	a.explain(err)
	a.hint(err)
	return exitCode(err)
}

// explain writes what went wrong, one line for each fault.
func (a *app) explain(err error) {
	if _, quiet := err.(silent); err == nil || quiet {
		return
	}
	for _, line := range lines(err) {
		fmt.Fprintln(a.stderr, "offramp: "+line)
	}
}

// hint names a file of settings that was not read, where that may be why: the
// command failed, or nothing was set at all.
func (a *app) hint(err error) {
	set := func(name string) bool { return strings.HasPrefix(name, prefix) }
	if unread := a.unreadDotEnv(); unread != nil && !a.hinted && (err != nil || !slices.ContainsFunc(slices.Collect(maps.Keys(a.env)), set)) {
		a.explain(unread)
	}
}
