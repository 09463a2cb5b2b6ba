package trial

import (
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"offramp/gateway/sink"
)

// recordHistory runs the gateway under load, disturbs it by turns, and returns
// what happened. points are failpoints.
func recordHistory(t *testing.T, wanted, disturbances int, points string) *history {
	t.Helper()
	h := newHistory()
	s, err := sink.Start(sink.Options{Fault: h.watch})
	must(t, err)
	defer s.Close()
	w := &historyWork{process: setup(t, "smtp://"+s.Addr()), h: h, wanted: wanted}
	start := func() {
		w.start("FAILPOINT=" + points)
		w.up.Store(true)
	}
	start()
	for _, list := range historyLists {
		if out, code := w.run("lists", "add", list); code != 0 {
			t.Fatalf("lists add: exit %d %s", code, out)
		}
	}
	var clients sync.WaitGroup
	for n := range historyClients {
		clients.Go(func() { w.ask(n) })
	}
	for range historySenders {
		clients.Go(w.send)
	}
	for n := range disturbances {
		for h.length() < wanted*(n+1)/(disturbances+1) {
			pause(nil, 2*time.Millisecond)
		}
		switch n % 3 {
		case 0:
			w.freeze(1200 * time.Millisecond) // longer than an attempt may hold the gate
			continue
		case 1:
			w.up.Store(false)
			w.kill()
		case 2:
			w.up.Store(false)
			w.stop()
		}
		start()
	}
	clients.Wait()
	w.kill()
	return h
}

// freeze stops the process for some time, as a machine without time for it does.
func (p *process) freeze(d time.Duration) {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(syscall.SIGSTOP))
	pause(nil, d)
	must(p.t, p.cmd.Process.Signal(syscall.SIGCONT))
}

// TestTortureHistories: opt-outs are linearizable. After an opt-out was
// answered, by whatever way it came, no attempt begins until the person came
// back; also when the process ends at any time, or has no time.
func TestTortureHistories(t *testing.T) {
	histories, wanted := scale(2, 200), scale(1000, 5000)
	operations, counts := 0, map[string]int{}
	for n := range histories {
		// In every second history there is time between the verdict and MAIL.
		h := recordHistory(t, wanted, 3, []string{"", "delivery.mail:3ms"}[n%2])
		operations += len(h.operations)
		for way, n := range h.counts {
			counts[way] += n
		}
		if wrong := checkHistory(h.operations); len(wrong) > 0 {
			t.Fatalf("history %d: %d pairs of a person and a list are wrong, the first:\n%s", n, len(wrong), wrong[0])
		}
		if n%20 == 19 {
			t.Logf("%d histories, %d operations so far", n+1, operations)
		}
	}
	t.Logf("%d histories, %d operations: %v", histories, operations, counts)
	for _, way := range []string{"one-click", "mailto", "page", "import", "page for all", "erase", "confirmed", "confirmed for all", "look", "attempt"} {
		if counts[way] == 0 {
			t.Errorf("no operation by %s", way)
		}
	}
}

// TestHistoriesFindWhatIsWrong: where an answer does not wait for attempts
// that have the verdict and not sent MAIL, the test above fails.
func TestHistoriesFindWhatIsWrong(t *testing.T) {
	for range 5 {
		h := recordHistory(t, 1500, 0, "delivery.mail:20ms,consent.gate:skip")
		if wrong := checkHistory(h.operations); len(wrong) > 0 {
			if !strings.Contains(wrong[0], string(attempts)) {
				t.Errorf("another thing is wrong:\n%s", wrong[0])
			}
			t.Logf("%d pairs are wrong, the first:\n%s", len(wrong), wrong[0])
			return
		}
	}
	t.Error("the gate was left out, and nothing was found")
}

// The model, by histories of one pair that are easy to judge.
func TestHistoryModel(t *testing.T) {
	operation := func(a act, call, end int64) porcupine.Operation {
		return porcupine.Operation{Input: asked{act: a}, Call: call, Return: end}
	}
	saw := func(l left, call, end int64) porcupine.Operation {
		o := operation(looks, call, end)
		o.Output = l
		return o
	}
	for name, tt := range map[string]struct {
		history []porcupine.Operation
		legal   bool
	}{
		"attempt before":           {[]porcupine.Operation{operation(attempts, 1, 1), operation(leaves, 2, 3)}, true},
		"attempt meanwhile":        {[]porcupine.Operation{operation(leaves, 1, 3), operation(attempts, 2, 2)}, true},
		"attempt after":            {[]porcupine.Operation{operation(leaves, 1, 2), operation(attempts, 3, 3)}, false},
		"attempt after all":        {[]porcupine.Operation{operation(leavesAll, 1, 2), operation(attempts, 3, 3)}, false},
		"came back":                {[]porcupine.Operation{operation(leaves, 1, 2), operation(returns, 3, 4), operation(attempts, 5, 5)}, true},
		"came back to the list":    {[]porcupine.Operation{operation(leavesAll, 1, 2), operation(returns, 3, 4), operation(attempts, 5, 5)}, false},
		"coming back":              {[]porcupine.Operation{operation(leaves, 1, 2), operation(returns, 3, 6), operation(attempts, 4, 4)}, true},
		"never answered":           {[]porcupine.Operation{operation(leaves, 1, unanswered), operation(attempts, 3, 3)}, true},
		"never answered, and seen": {[]porcupine.Operation{operation(leaves, 1, unanswered), saw(left{list: true}, 2, 3), saw(left{}, 4, 5)}, false},
		"lost":                     {[]porcupine.Operation{operation(leaves, 1, 2), saw(left{}, 3, 4)}, false},
		"invented":                 {[]porcupine.Operation{saw(left{list: true}, 1, 2), operation(leaves, 3, 4)}, false},
		"recorded, not in force":   {[]porcupine.Operation{operation(leaves, 1, 9), saw(left{list: true}, 2, 3), operation(attempts, 4, 4)}, true},
		"asked again meanwhile":    {[]porcupine.Operation{operation(leaves, 1, 9), operation(leaves, 2, 3), operation(attempts, 4, 4)}, false},
	} {
		if wrong := checkHistory(tt.history); (len(wrong) == 0) != tt.legal {
			t.Errorf("%s: %q", name, wrong)
		}
	}
}
