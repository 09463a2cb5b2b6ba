package trial

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/listunsub"
)

// A backup is made while mail and opt-outs come in, and is restored elsewhere.
// Every opt-out that was answered before it began is in it, every message that was
// accepted before it began is in it or was delivered, and accepting goes on.
func TestBackupUnderLoad(t *testing.T) {
	var open atomic.Bool
	s, err := sink.Start(sink.Options{Fault: func(st sink.Stage, tr sink.Transaction) sink.Fault {
		if st == sink.Rcpt && !open.Load() && strings.HasPrefix(tr.Recipient, "r1.") {
			return sink.Fault{Reply: "451 4.2.1 not now"}
		}
		return sink.Fault{}
	}})
	must(t, err)
	defer s.Close()
	p := start(t, "smtp://"+s.Addr(), "RETRY_MIN=2s", "RETRY_MAX=4s")
	mail, people, stop := newLedger(), &optOuts{p: p}, make(chan struct{})
	clients := load(mail, p, 4, stop, few)
	clients.Go(func() { people.run(stop) })
	times := &timings{p: p}
	clients.Go(func() { times.run(t, stop) })
	time.Sleep(time.Duration(scale(2, 60)) * time.Second)

	// What was answered by now must be in the backup.
	before, gone := mail.ackedIDs(), people.answeredBy()
	began := time.Now()
	dir := filepath.Join(p.dir, "backup")
	out, code := p.run("backup", "--json", dir)
	took := time.Since(began)
	usual, during := times.split(began, began.Add(took))
	close(stop)
	clients.Wait()
	if code != 0 {
		t.Fatalf("backup: exit %d %s", code, out)
	}
	var made struct {
		Bytes, Events, Messages, Recipients int64
	}
	must(t, json.Unmarshal([]byte(out), &made))
	t.Logf("backup of %d bytes, %d events, %d messages took %v; accept p99 %v before, %v during it", made.Bytes, made.Events, made.Messages, took, usual, during)
	if during > 50*time.Millisecond+10*usual {
		t.Errorf("accepting took %v (p99) during the backup, and %v before", during, usual)
	}
	p.kill()

	r := restored(t, p, dir)
	r.start()
	stopped, _ := r.run("suppress", "list", "--json")
	for _, to := range gone {
		if !strings.Contains(stopped, `"`+to+`"`) {
			t.Errorf("the opt-out of %s was answered before the backup and is not in it", to)
		}
	}
	delivered := len(s.Messages())
	open.Store(true)
	time.Sleep(500 * time.Millisecond) // would be enough to send what is not held
	if n := len(s.Messages()) - delivered; n > 0 {
		t.Errorf("%d messages went out before the operator released them", n)
	}
	if _, code := r.run("queue", "release", "--all"); code != 0 {
		t.Errorf("queue release: exit %d", code)
	}
	mail.only(before)
	o := drain(t, mail, s, time.Duration(scale(20, 300))*time.Second)
	t.Logf("%d opt-outs, %v", len(gone), o)
	if o.lost > 0 || len(gone) == 0 || o.acked == 0 || made.Messages == 0 {
		t.Errorf("of what was accepted before the backup: %v, %d opt-outs, %d messages in the backup", o, len(gone), made.Messages)
	}
}

// restored puts the backup into a folder of its own and lets the server start.
func restored(t *testing.T, p *process, dir string) *process {
	t.Helper()
	r := setup(t, p.env["NEXT_HOP"])
	for _, name := range []string{"TOKEN_KEYS", "DKIM_KEYS", "RETRY_MIN", "RETRY_MAX"} {
		r.env[name] = p.env[name]
	}
	r.keys = p.keys
	if out, code := r.run("backup", "--verify", dir); code != 0 {
		t.Fatalf("backup --verify: exit %d %s", code, out)
	}
	if out, code := r.run("restore", dir); code != 0 || !strings.Contains(out, "held until") {
		t.Fatalf("restore: exit %d %s", code, out)
	}
	if out, code := r.run("restore", dir); code != 2 {
		t.Errorf("a second restore over the data: exit %d %s", code, out)
	}
	if _, code := r.run("serve"); code != 2 {
		t.Errorf("serve starts before the operator decided: exit %d", code)
	}
	if out, code := r.run("restore", "--accept"); code != 0 {
		t.Fatalf("restore --accept: exit %d %s", code, out)
	}
	if _, err := os.Stat(filepath.Join(r.env["DATA_DIR"], "restored.json")); err == nil {
		t.Error("the mark stays")
	}
	return r
}

// optOuts posts opt-outs one after the other.
type optOuts struct {
	p        *process
	mu       sync.Mutex
	answered []string
}

func (o *optOuts) run(stop <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		to := fmt.Sprintf("opt%d@dest.example", i)
		url := strings.Replace(sealed(o.p, "trial.example", to), "https://u.trial.example", "http://"+o.p.http, 1)
		r, err := http.Post(url, "application/x-www-form-urlencoded", strings.NewReader(listunsub.PostValue))
		if err != nil {
			return
		}
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			o.mu.Lock()
			o.answered = append(o.answered, to)
			o.mu.Unlock()
		}
		pause(stop, 5*time.Millisecond)
	}
}

func (o *optOuts) answeredBy() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.answered)
}

// ackedIDs are the messages that were answered 250 by now.
func (l *ledger) ackedIDs() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := map[string]bool{}
	for id, e := range l.sent {
		if e.acked {
			ids[id] = true
		}
	}
	return ids
}

// only forgets that others were answered 250.
func (l *ledger) only(ids map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, e := range l.sent {
		e.acked = ids[id]
	}
}

// timings measure how long accepting one message takes.
type timings struct {
	p  *process
	mu sync.Mutex
	at []time.Time
	d  []time.Duration
}

func (m *timings) run(t *testing.T, stop <-chan struct{}) {
	c, err := dial(m.p.smtp)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.close()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		begun := time.Now()
		data := "From: Shop <shop@trial.example>\r\nSubject: timing\r\nX-Trial: x\r\n\r\nhello\r\n"
		if err := c.send("shop@trial.example", []string{"x@timing.example"}, []byte(data)); err != nil {
			return
		}
		m.mu.Lock()
		m.at, m.d = append(m.at, begun), append(m.d, time.Since(begun))
		m.mu.Unlock()
		pause(stop, time.Millisecond)
	}
}

// split returns the p99 before a moment, and from it to another.
func (m *timings) split(from, to time.Time) (before, during time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var early, late []time.Duration
	for i, at := range m.at {
		switch {
		case at.Before(from):
			early = append(early, m.d[i])
		case at.Before(to):
			late = append(late, m.d[i])
		}
	}
	slices.Sort(early)
	slices.Sort(late)
	return p99(early), p99(late)
}
