package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// However the demo is ended from outside, and however often, its folder with keys
// goes too, and nothing is shown as an error.
func TestDemoStopped(t *testing.T) {
	for _, c := range []struct {
		name  string
		early bool // before its first line
		send  []syscall.Signal
	}{
		{"SIGTERM", false, []syscall.Signal{syscall.SIGTERM}},
		{"SIGHUP", false, []syscall.Signal{syscall.SIGHUP}},
		{"twice", false, []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGINT}},
		{"early", true, []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tmp := t.TempDir()
			cmd := exec.CommandContext(t.Context(), "offramp", "demo")
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "GORACE=atexit_sleep_ms=10")
			var messages bytes.Buffer
			cmd.Stderr = &messages
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			if c.early {
				awaitFile(t, filepath.Join(tmp, "*", "tls.pem"))
			} else if _, err := lines.ReadString('\n'); err != nil {
				t.Fatalf("%v\n%s", err, &messages)
			}
			for _, s := range c.send {
				cmd.Process.Signal(s) // it may be gone
			}
			lines.WriteTo(&bytes.Buffer{})
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() < 0 {
				t.Errorf("killed: %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 || strings.Contains(messages.String(), "offramp:") {
				t.Errorf("left %q, and says\n%s", left, &messages)
			}
		})
	}
}

// awaitFile waits until a file is there.
func awaitFile(t *testing.T, pattern string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no %s", pattern)
		}
	}
}
