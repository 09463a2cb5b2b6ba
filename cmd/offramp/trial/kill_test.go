package trial

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// load keeps n clients sending until stop is closed; they dial again whenever
// their session breaks. recipients gives the number for each message.
func load(l *ledger, p *process, n int, stop <-chan struct{}, recipients func() int) *sync.WaitGroup {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			var c *client
			for {
				select {
				case <-stop:
					if c != nil {
						c.close()
					}
					return
				default:
				}
				if c == nil {
					var err error
					if c, err = dial(p.smtp); err != nil {
						c = nil
						pause(stop, 20*time.Millisecond)
						continue
					}
				}
				id, to, data := l.message(recipients(), 2000)
				if err := c.send("news@trial.example", to, data); err != nil {
					c.close()
					c = nil
					continue
				}
				l.ack(id)
			}
		})
	}
	return &wg
}

func pause(stop <-chan struct{}, d time.Duration) {
	select {
	case <-stop:
	case <-time.After(d):
	}
}

func few() int { return 1 + rand.IntN(3) }

func mixed() int {
	if rand.IntN(4) > 0 {
		return 1 + rand.IntN(3)
	}
	return 1 + rand.IntN(50)
}

// drain waits until everything answered 250 came out.
func drain(t *testing.T, l *ledger, s *sink.Sink, limit time.Duration) outcome {
	t.Helper()
	end := time.Now().Add(limit)
	for {
		o := l.audit(s.Messages())
		if o.lost == 0 || time.Now().After(end) {
			return o
		}
		s.Wait(len(s.Messages())+1, time.Now().Add(time.Second))
	}
}

// F1: kill -9 at random moments under load loses and damages nothing.
func TestTortureKill(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	l := newLedger()
	stop := make(chan struct{})
	// A backlog that takes longer than the trial would only hide what it counts.
	held := holdBack(l, s, stop)
	clients := load(l, p, 20, stop, func() int {
		<-held
		return mixed()
	})
	kills := scale(6, 100)
	for range kills {
		pause(nil, time.Duration(50+rand.IntN(1450))*time.Millisecond)
		p.kill()
		p.start()
	}
	close(stop)
	clients.Wait()
	o := drain(t, l, s, 3*time.Minute)
	o.wantWhole(t)
	t.Logf("%d kills", kills)
	// At most one duplicate for each delivery in flight at a kill.
	if limit := kills * 20; o.duplicates > limit {
		t.Errorf("%d duplicates, more than the %d deliveries that could be in flight", o.duplicates, limit)
	}
}

// holdBack lets a client go on, by a value each, while less than 5,000
// recipients wait to be delivered. After stop it lets everybody go.
func holdBack(l *ledger, s *sink.Sink, stop <-chan struct{}) <-chan struct{} {
	next := make(chan struct{})
	go func() {
		defer close(next)
		for {
			if l.acked()-s.Taken() > 5000 {
				pause(stop, 100*time.Millisecond)
			}
			select {
			case <-stop:
				return
			case next <- struct{}{}:
			}
		}
	}()
	return next
}

// F14: SIGTERM under load ends within 30 s, loses nothing and repeats nothing.
func TestTortureTerminate(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	l := newLedger()
	stop := make(chan struct{})
	clients := load(l, p, 20, stop, few)
	var longest time.Duration
	rounds := scale(4, 100)
	for range rounds {
		pause(nil, time.Duration(100+rand.IntN(600))*time.Millisecond)
		longest = max(longest, p.stop())
		p.start()
	}
	close(stop)
	clients.Wait()
	o := drain(t, l, s, 2*time.Minute)
	o.wantWhole(t)
	t.Logf("%d terminations, the longest took %v", rounds, longest)
	if o.duplicates > 0 {
		t.Errorf("%d duplicates", o.duplicates)
	}
	if longest > 30*time.Second {
		t.Errorf("the end took %v", longest)
	}
}

// failpoints are the steps of F2, in the order in which a message meets them.
var failpoints = []string{
	"relay.body", "relay.accepted", "spool.db.commit", "spool.db.committed",
	"delivery.mail", "delivery.data", "delivery.dot", "delivery.replied",
	"delivery.settled", "delivery.report", "delivery.reported",
	"offramp.db.commit", "offramp.db.committed",
}

// F2: a kill at each step loses and damages nothing.
func TestTortureFailpoints(t *testing.T) {
	for _, point := range failpoints {
		t.Run(point, func(t *testing.T) {
			for round := range scale(1, 10) {
				killAt(t, point, 1+round*3)
			}
		})
	}
}

func killAt(t *testing.T, point string, count int) {
	s, err := sink.Start(sink.Options{Fault: func(st sink.Stage, tr sink.Transaction) sink.Fault {
		// One recipient in three fails, so that bounces are made on the way.
		if st == sink.Rcpt && len(tr.Recipient) > 2 && tr.Recipient[:2] == "r2" {
			return sink.Fault{Reply: "550 5.1.1 nobody here"}
		}
		return sink.Fault{}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := setup(t, "smtp://"+s.Addr())
	p.start("FAILPOINT=" + point + ":" + itoa(count))
	l := newLedger()
	opted := optOutsUntilDeath(t, p)
	stop := make(chan struct{})
	clients := load(l, p, 4, stop, func() int { return 3 })
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		t.Errorf("%s was never met", point)
		p.kill()
	}
	p.start()
	pause(nil, 300*time.Millisecond)
	close(stop)
	clients.Wait()
	o := drainFailing(t, l, s, time.Minute)
	t.Logf("%s:%d: %s", point, count, o)
	if o.lost+o.damaged+o.foreign > 0 {
		t.Errorf("%s:%d: promise broken: %s", point, count, o)
	}
	opted(p)
	p.kill()
}
