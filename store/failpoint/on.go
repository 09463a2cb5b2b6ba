//go:build failpoint

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// armed is FAILPOINT as the process was started with it, a list separated by
// commas: "name:n" ends the process by SIGKILL the n-th time the step is met,
// "name:20ms" holds it up for so long each time, "name:skip" leaves it out.
var armed = parse(os.Getenv("FAILPOINT"))

// point is what happens at one step.
type point struct {
	left  *atomic.Int64 // until the end; never reaches zero where there is none
	pause time.Duration
	skip  bool
}

func parse(list string) map[string]point {
	points := map[string]point{}
	for s := range strings.SplitSeq(list, ",") {
		name, how, _ := strings.Cut(s, ":")
		p := point{left: new(atomic.Int64), skip: how == "skip"}
		n, err := strconv.ParseInt(how, 10, 64)
		if pause, wrong := time.ParseDuration(how); err != nil && wrong == nil {
			p.pause = pause
		} else if err != nil && !p.skip {
			n = 1
		}
		p.left.Store(n)
		points[name] = p
	}
	return points
}

// Hit marks a step.
func Hit(name string) {
	p, ok := armed[name]
	if !ok || p.skip {
		return
	}
	time.Sleep(p.pause)
	if p.left.Add(-1) != 0 {
		return
	}
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // nothing after the step happens
}

// Skip says whether the step is to be left out.
func Skip(name string) bool { return armed[name].skip }
