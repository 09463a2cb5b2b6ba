//go:build failpoint

package failpoint

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestHitEndsTheProcessAtTheNthTime(t *testing.T) {
	if os.Getenv("FAILPOINT") != "" {
		Hit("other")
		Hit("here")
		os.Stdout.WriteString("once")
		Hit("here")
		os.Stdout.WriteString("twice")
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "TestHitEndsTheProcessAtTheNthTime")
	cmd.Env = append(os.Environ(), "FAILPOINT=here:2")
	out, _ := cmd.Output()
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || string(out) != "once" {
		t.Errorf("ended %v, printed %q", cmd.ProcessState, out)
	}
}
