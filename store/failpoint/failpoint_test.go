//go:build failpoint

package failpoint

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
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

func TestStepsAreHeldUpOrLeftOut(t *testing.T) {
	if os.Getenv("FAILPOINT") != "" {
		before := time.Now()
		Hit("slow")
		Hit("left-out")
		if time.Since(before) < 20*time.Millisecond || !Skip("left-out") || Skip("slow") || Skip("other") {
			os.Exit(1)
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "TestStepsAreHeldUpOrLeftOut")
	cmd.Env = append(os.Environ(), "FAILPOINT=slow:20ms,left-out:skip")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
