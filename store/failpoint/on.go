//go:build failpoint

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// armed is FAILPOINT=name:n as the process was started with it: the n-th time
// the step is met, the process ends by SIGKILL.
var armed, left = parse(os.Getenv("FAILPOINT"))

func parse(s string) (string, *atomic.Int64) {
	name, count, _ := strings.Cut(s, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		n = 1
	}
	var left atomic.Int64
	left.Store(n)
	return name, &left
}

// Hit marks a step.
func Hit(name string) {
	if name != armed || left.Add(-1) != 0 {
		return
	}
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // nothing after the step happens
}
