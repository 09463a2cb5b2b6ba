package trial

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// scrub is what GET /api/v1/scrub says.
type scrub struct {
	Asked, Done, Whole, Left, Written int64
}

func (p *process) scrub() (s scrub) {
	p.t.Helper()
	r, err := http.Get("http://" + p.admin + "/api/v1/scrub")
	must(p.t, err)
	defer r.Body.Close()
	must(p.t, json.NewDecoder(r.Body).Decode(&s))
	return s
}

// scrubbed waits until what was erased is overwritten.
func (p *process) scrubbed(limit time.Duration) {
	p.t.Helper()
	if err := poll(limit, func() error {
		if s := p.scrub(); s.Done < s.Asked {
			return fmt.Errorf("%+v", s)
		}
		return nil
	}); err != nil {
		p.t.Fatalf("not overwritten in %v: %v\n%s", limit, err, p.log)
	}
}

// erase erases somebody by the API and returns how long the answer took.
func (p *process) erase(address string) time.Duration {
	p.t.Helper()
	began := time.Now()
	q, err := http.NewRequest(http.MethodDelete, "http://"+p.admin+"/api/v1/recipients/"+address, nil)
	must(p.t, err)
	r, err := http.DefaultClient.Do(q)
	must(p.t, err)
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		p.t.Fatalf("erase: %s\n%s", r.Status, p.log)
	}
	return time.Since(began)
}

// loadClients is how many clients a load has.
const loadClients = 4

// clients has each of them do its part, and waits.
func (p *process) clients(part func(i int, c *client)) {
	var all sync.WaitGroup
	for i := range loadClients {
		all.Go(func() {
			c, err := dial(p.smtp)
			if err != nil {
				p.t.Error(err)
				return
			}
			defer c.close()
			c.conn.SetDeadline(time.Now().Add(30 * time.Minute))
			part(i, c)
		})
	}
	all.Wait()
}

// fillFree leaves so many MiB of free pages in the spool, all of which name the
// person. It returns when none of it waits.
func (p *process) fillFree(mib int) {
	p.t.Helper()
	const each = 4
	line := "unsubscribe?who=" + erasedPerson + " " + strings.Repeat("x", 20) + "\r\n"
	data := []byte("From: News <news@trial.example>\r\nSubject: large\r\n\r\n" + strings.Repeat(line, each<<20/len(line)))
	p.clients(func(i int, c *client) {
		for n := i; n < mib/each; n += loadClients {
			if err := c.send("news@trial.example", []string{fmt.Sprintf("bulk%d@dest.example", n)}, data); err != nil {
				p.t.Error(err)
				return
			}
		}
	})
	// What is being attempted stays at first.
	if err := poll(time.Minute, func() error {
		p.run("queue", "rm", "--sender", "news@trial.example")
		if out, _ := p.run("queue", "list"); strings.Contains(out, "bulk") {
			return errors.New(out)
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

// written is how many octets the process had written to the disk.
func (p *process) written() int64 { return p.proc("io", "write_bytes: %d") }

// accepting sends small messages by some clients, at a pace, until it is
// stopped, and returns how long each took to be accepted.
func (p *process) accepting(stop <-chan struct{}) (took []time.Duration) {
	var mu sync.Mutex
	data := []byte("From: News <offers@trial.example>\r\nSubject: small\r\n\r\n" + strings.Repeat("A few lines of text.\r\n", 200))
	p.clients(func(i int, c *client) {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
			began := time.Now()
			if err := c.send("offers@trial.example", []string{fmt.Sprintf("r%d-%d@dest.example", i, n)}, data); err != nil {
				p.t.Error(err)
				return
			}
			mu.Lock()
			took = append(took, time.Since(began))
			mu.Unlock()
		}
	})
	slices.Sort(took)
	return took
}

func p99(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	return took[len(took)*99/100]
}

// An erasure costs nobody the free pages of the spool: it is answered at once,
// they are overwritten beside mail, and a pass that is killed goes on.
func TestTortureErasure(t *testing.T) {
	s, err := sink.Start(sink.Options{Discard: true})
	must(t, err)
	defer s.Close()
	mib := scale(48, 1024)
	p := setup(t, "smtp://"+freeAddr(t), "MAX_MESSAGE_SIZE=10MiB")
	p.start()
	p.fillFree(mib)
	list := int64(mib) << 20

	// Killed, again and again, before each tenth of the list is through.
	took := p.erase("zerlinda@xylophon.example")
	before, sum, kills := p.written(), int64(0), 0
	began := time.Now()
	for ; kills < 10; kills++ {
		whole := p.scrub().Whole
		if err := poll(time.Minute, func() error {
			if s := p.scrub(); s.Asked > s.Done && (s.Whole == 0 || s.Whole-s.Left < whole/10) {
				return fmt.Errorf("%+v", s)
			}
			return nil
		}); err != nil {
			t.Fatalf("%v\n%s", err, p.log)
		}
		sum += p.written() - before
		p.kill()
		restarted := time.Now()
		p.start()
		if d := time.Since(restarted); d > 5*time.Second {
			t.Errorf("a start took %v while a pass goes on", d)
		}
		before = 0
	}
	p.scrubbed(10 * time.Minute)
	sum += p.written()
	t.Logf("erased with %d MiB free: answered in %v, overwritten after %d kills and %v, %d MiB written: %.2f of the list",
		mib, took, kills, time.Since(began).Round(time.Second), sum>>20, float64(sum)/float64(list))
	if took > time.Second {
		t.Errorf("the answer took %v", took)
	}
	if sum > 2*list {
		t.Errorf("%d MiB were written for a list of %d MiB", sum>>20, mib)
	}
	p.kill()
	for _, found := range traces(t, p.env["DATA_DIR"]) {
		t.Error(found)
	}

	// Beside mail.
	p.start()
	p.fillFree(mib)
	p.kill()
	p.env["NEXT_HOP"] = "smtp://" + s.Addr()
	p.start()
	stop := make(chan struct{})
	time.AfterFunc(time.Duration(scale(4, 30))*time.Second, func() { close(stop) })
	alone := p.accepting(stop)
	began = time.Now()
	took = p.erase("quittenbaum@xylophon.example")
	stop = make(chan struct{})
	go func() {
		defer close(stop)
		_ = poll(10*time.Minute, func() error {
			if s := p.scrub(); s.Done < s.Asked {
				return fmt.Errorf("%+v", s)
			}
			return nil
		})
	}()
	beside := p.accepting(stop)
	t.Logf("p99 of acceptance: %v alone (%d messages), %v while %d MiB are overwritten in %v (%d messages); the answer took %v",
		p99(alone), len(alone), p99(beside), mib, time.Since(began).Round(time.Second), len(beside), took)
	if *torture && p99(beside) > 2*p99(alone) {
		t.Errorf("p99 %v is over twice %v", p99(beside), p99(alone))
	}
	if took > time.Second {
		t.Errorf("the answer took %v", took)
	}
}
