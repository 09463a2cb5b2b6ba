// Package program gives events to a program of the operator's: one JSON object a
// line on its standard input. Its exit code 0 says that it took all of them over.
package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"offramp/gateway/outbox"
	"offramp/store"
)

// maxStderr is how much of what a program says is logged, from its end.
const maxStderr = 2 << 10

// closeWithin is how long pipes stay open after a program was killed.
const closeWithin = 2 * time.Second

// ErrTime says that a program took longer than it may.
var ErrTime = errors.New("took too long and was killed")

// Program runs a command line for each batch of events. One runs at a time, so
// that events come in their order.
type Program struct {
	Path    string   // of the program
	Args    []string // behind its name
	Env     []string // its whole environment, NAME=value
	Timeout time.Duration
	// Encode returns what is written of an event, as JSON.
	Encode func(store.Event) any
	Log    *slog.Logger // nil: nothing is logged
}

// New finds the program of the settings. Its error names the variable.
func New(c Config) (*Program, error) {
	words, err := Words(c.Command)
	if err != nil {
		return nil, fmt.Errorf("OFFRAMP_EXEC: %w", err)
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return nil, fmt.Errorf("OFFRAMP_EXEC: %q is not a program that this user may run: give its full path, and make it executable", words[0])
	}
	p := &Program{Path: path, Args: words[1:], Timeout: c.Timeout}
	if p.Timeout == 0 {
		p.Timeout = time.Minute
	}
	return p, nil
}

// batch is how many events the program is given at most.
const batch = 100

// Kind is how the outbox reaches the program.
func (p *Program) Kind() outbox.Kind {
	return outbox.Kind{Open: func(store.Consumer) (outbox.Receiver, error) { return p, nil }, Lanes: 1, Batch: batch, Longest: p.Timeout + closeWithin}
}

// Send gives events to the program. They are done when it exits with 0; after
// anything else none of them is, and the program gets them again.
func (p *Program) Send(ctx context.Context, events []store.Event) (done int, err error) {
	if len(events) == 0 {
		return 0, nil
	}
	var lines bytes.Buffer
	out := json.NewEncoder(&lines)
	out.SetEscapeHTML(false)
	for _, e := range events {
		if err := out.Encode(p.Encode(e)); err != nil {
			return 0, fmt.Errorf("encode event %d: %w", e.ID, err)
		}
	}
	if err := p.run(ctx, lines.Bytes()); err != nil {
		return 0, err
	}
	return len(events), nil
}

// run starts the program in a process group of its own, which ends with it:
// nothing it started goes on once the events count as taken, or not taken.
func (p *Program) run(ctx context.Context, input []byte) error {
	limited, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	c := exec.CommandContext(limited, p.Path, p.Args...)
	c.Env, c.Stdin = p.Env, bytes.NewReader(input)
	if c.Env == nil {
		c.Env = []string{} // not ours
	}
	var said tail
	c.Stderr = &said
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	c.Cancel = func() error { return killGroup(c.Process.Pid) }
	c.WaitDelay = closeWithin
	// The signal of our death comes when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := c.Start(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	err := c.Wait()
	_ = killGroup(c.Process.Pid) // what is left of it; mostly nothing is
	p.report(said.String(), err)
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay) && c.ProcessState.Success():
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return fmt.Errorf("%s: %w", p.Timeout, ErrTime)
	}
	return err // "exit status 1", "signal: killed"
}

// killGroup ends a process and all that it started.
func killGroup(pid int) error {
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

func (p *Program) report(said string, err error) {
	if p.Log == nil || said == "" {
		return
	}
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelWarn
	}
	p.Log.Log(context.Background(), level, "the program of OFFRAMP_EXEC wrote to its standard error", "text", said)
}

// tail keeps the end of what is written.
type tail struct {
	last []byte
	cut  bool
}

func (t *tail) Write(b []byte) (int, error) {
	n := len(b)
	if len(b) > maxStderr {
		b, t.cut = b[len(b)-maxStderr:], true
	}
	t.last = append(t.last, b...)
	if over := len(t.last) - maxStderr; over > 0 {
		t.last, t.cut = append(t.last[:0], t.last[over:]...), true
	}
	return n, nil
}

func (t *tail) String() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.last), "\uFFFD"))
	if t.cut {
		return "..." + text
	}
	return text
}
