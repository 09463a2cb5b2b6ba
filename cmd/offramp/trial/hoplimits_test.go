package trial

import (
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// frugal is a next hop that takes ten messages over a connection and defers
// the others at one stage, with the connection open.
type frugal struct {
	at sink.Stage

	mu       sync.Mutex
	messages map[int]int // by session
}

func (f *frugal) fault(at sink.Stage, tx sink.Transaction) sink.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case at == sink.Replied:
		f.messages[tx.Session]++
	case at == f.at && f.messages[tx.Session] >= 10:
		return sink.Fault{Reply: "451 4.4.5 Maximum number of messages per session exceeded."}
	}
	return sink.Fault{}
}

// A hop with ten messages per connection, at each stage: no message is
// deferred, and it gets mail at 60 % of the rate of one without a limit or
// more. The rates, the best of several rounds since the machine does other work
// too, are compared at full length only; a short run is over too soon.
func TestTortureHopLimits(t *testing.T) {
	total, rounds := scale(200, 1000), scale(1, 5)
	for _, at := range []sink.Stage{sink.Mail, sink.Rcpt, sink.Data, sink.Dot} {
		t.Run(string(at), func(t *testing.T) {
			var unlimited, limited float64
			for range rounds {
				unlimited = max(unlimited, hopRate(t, &frugal{}, total))
				limited = max(limited, hopRate(t, &frugal{at: at}, total))
			}
			t.Logf("%.0f messages a second, %.0f without a limit", limited, unlimited)
			if *torture && limited < 0.6*unlimited {
				t.Errorf("the rate is %.0f %% of that without a limit, want 60 %%", 100*limited/unlimited)
			}
		})
	}
}

// hopRate sends list messages through the program, with its default retries,
// and returns how many a second the hop got.
func hopRate(t *testing.T, hop *frugal, total int) float64 {
	t.Helper()
	hop.messages = make(map[int]int)
	s, err := sink.Start(sink.Options{Fault: hop.fault, Discard: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := start(t, "smtp://"+s.Addr(), "RETRY_MIN=1m", "RETRY_MAX=4h")
	defer p.kill()
	l := newLedger()
	c, err := dial(p.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	_, to, data := l.message(total, 2000)
	begin := time.Now()
	if err := c.send("news@trial.example", to, data); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Wait(total, time.Now().Add(2*time.Minute))); n != total {
		t.Fatalf("%d of %d messages came\n%s", n, total, p.log)
	}
	took := time.Since(begin)
	if log := p.log.String(); strings.Contains(log, "deferred") || !strings.Contains(log, "delivered") {
		t.Errorf("messages were deferred:\n%s", log)
	}
	return float64(total) / took.Seconds()
}
