package trial

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// An operator who repaired the next hop flushes the queue: mail leaves at once,
// although the next hop failed a moment ago and the next attempt is far off.
func TestFlushWithinThePause(t *testing.T) {
	hop := freeAddr(t)
	p := start(t, "smtp://"+hop, "RETRY_MIN=10m", "RETRY_MAX=1h")
	c, err := dial(p.smtp)
	must(t, err)
	defer c.close()
	for i := range 5 {
		must(t, c.send("news@trial.example", []string{fmt.Sprintf("r%d@dest.example", i)}, []byte("From: news@trial.example\r\nSubject: x\r\n\r\nx\r\n")))
	}
	must(t, poll(20*time.Second, func() error {
		out, _ := p.run("queue", "list", "--json")
		if !strings.Contains(out, `"attempts":1`) { // the others wait for the end of the pause
			return fmt.Errorf("nothing was tried:\n%s", out)
		}
		return nil
	}))
	s, err := sink.Start(sink.Options{Addr: hop})
	must(t, err)
	defer s.Close()
	began := time.Now()
	if out, code := p.run("queue", "flush"); code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	if got := s.Wait(5, began.Add(15*time.Second)); len(got) != 5 {
		t.Errorf("%d of 5 messages within 15 s of the flush, the pause is 30 s\n%s", len(got), p.log)
	}
}
