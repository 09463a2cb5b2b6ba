package trial

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// cell is one row of the F7 matrix.
type cell struct {
	stage  sink.Stage
	name   string
	fault  sink.Fault
	bounce bool // the failure is permanent: RFC 5321 section 4.2.1
}

func cells() []cell {
	stages := []sink.Stage{
		sink.Connect, sink.Banner, sink.EHLO, sink.StartTLS, sink.Auth, sink.Mail, sink.Rcpt, sink.Data, sink.Body, sink.Dot,
	}
	var all []cell
	for _, stage := range stages {
		// A 5xx before MAIL is trouble with the next hop, not with the mail.
		permanent := stage == sink.Mail || stage == sink.Rcpt || stage == sink.Data || stage == sink.Dot
		for _, f := range []struct {
			name  string
			fault sink.Fault
		}{
			{"4xx", sink.Fault{Reply: "450 4.2.0 try later"}},
			{"5xx", sink.Fault{Reply: "550 5.7.1 never"}},
			{"421", sink.Fault{Reply: "421 4.3.2 going down"}},
			{"drop", sink.Fault{Drop: true}},
			{"silence", sink.Fault{Stall: 30 * time.Second, Drop: true}},
			{"garbage", sink.Fault{Reply: "what? \x00\xff no code", Drop: false}},
		} {
			// Before the greeting, and inside the body, there is no answer to give.
			if (stage == sink.Connect || stage == sink.Body) && f.fault.Reply != "" {
				continue
			}
			all = append(all, cell{stage, f.name, f.fault, permanent && f.name == "5xx"})
		}
	}
	return all
}

// F7: whatever a next hop does, mail is delivered later or bounced as RFC 5321
// says, and nothing is stuck.
func TestTortureNextHop(t *testing.T) {
	per := scale(1, 20)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 6)
	for _, c := range cells() {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			t.Run(fmt.Sprintf("%s/%s", c.stage, c.name), func(t *testing.T) { runCell(t, c, per) })
		})
	}
	wg.Wait()
}

func runCell(t *testing.T, c cell, messages int) {
	var hits atomic.Int64
	options := sink.Options{Fault: func(st sink.Stage, tr sink.Transaction) sink.Fault {
		if st == c.stage && hits.Load() < int64(messages) && (tr.ReversePath != "" || !afterMail(st)) {
			hits.Add(1)
			return c.fault
		}
		return sink.Fault{}
	}}
	hop := "smtp://"
	if c.stage == sink.StartTLS {
		options.TLS = serverTLS(t)
	}
	if c.stage == sink.Auth {
		options.TLS = serverTLS(t)
		options.Extensions = []string{"8BITMIME", "AUTH PLAIN"}
		hop = "smtp+starttls://user:secret@"
	}
	s, err := sink.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	extra := []string{"NEXT_HOP_TIMEOUT_CONNECT=2s", "NEXT_HOP_TIMEOUT_COMMAND=2s", "NEXT_HOP_TIMEOUT_WRITE=2s", "NEXT_HOP_TIMEOUT_DOT=2s"}
	if c.stage == sink.Auth {
		extra = append(extra, "NEXT_HOP_TLS_CA="+caFile(t))
	}
	p := start(t, hop+strings.Replace(s.Addr(), "127.0.0.1", "localhost", 1), extra...)
	defer p.kill()
	l := newLedger()
	for range messages {
		conn, err := dial(p.smtp)
		if err != nil {
			t.Fatal(err)
		}
		id, to, data := l.message(2, 500)
		if err := conn.send("news@trial.example", to, data); err != nil {
			t.Fatal(err)
		}
		l.ack(id)
		conn.close()
	}
	settle := func() []sink.Message {
		if c.bounce {
			return bouncesAsDeliveries(l, s.Messages())
		}
		return s.Messages()
	}
	// Each fault in turn may take its timeout and the wait before the next try.
	end := time.Now().Add(60*time.Second + time.Duration(messages)*5*time.Second)
	o := l.audit(settle())
	for o.lost > 0 && time.Now().Before(end) {
		s.Wait(len(s.Messages())+1, time.Now().Add(time.Second))
		o = l.audit(settle())
	}
	if o.lost+o.damaged+o.foreign+o.duplicates > 0 || hits.Load() == 0 {
		t.Errorf("%d faults given: %s\n%s", hits.Load(), o, p.log)
	}
	if !c.bounce {
		for _, m := range s.Messages() {
			if m.ReversePath == "" {
				t.Errorf("a temporary failure was bounced:\n%s", m.Data)
			}
		}
	}
}

func afterMail(st sink.Stage) bool {
	switch st {
	case sink.Mail, sink.Rcpt, sink.Data, sink.Body, sink.Dot, sink.Replied:
		return true
	}
	return false
}

// bouncesAsDeliveries adds what bounces report as failed to what was delivered.
func bouncesAsDeliveries(l *ledger, messages []sink.Message) []sink.Message {
	var out []sink.Message
	for _, m := range messages {
		if m.ReversePath != "" {
			out = append(out, m)
			continue
		}
		for line := range bytes.Lines(m.Data) {
			address, found := strings.CutPrefix(strings.ToLower(string(line)), "final-recipient: rfc822;")
			if !found {
				continue
			}
			address = strings.TrimSpace(address)
			_, rest, _ := strings.Cut(address, ".")
			id, _, _ := strings.Cut(rest, "@")
			out = append(out, l.settled(id, address))
		}
	}
	return out
}

// F8: the next hop keeps the message and vanishes before it answers: exactly
// one copy more for each time, octet for octet the same.
func TestTortureLostReply(t *testing.T) {
	total := scale(200, 1000)
	var drops atomic.Int64
	first := make(map[string]bool)
	var mu sync.Mutex
	s, err := sink.Start(sink.Options{Fault: func(st sink.Stage, tr sink.Transaction) sink.Fault {
		mu.Lock()
		defer mu.Unlock()
		if st != sink.Dot || len(tr.Recipients) != 1 || first[tr.Recipients[0]] {
			return sink.Fault{}
		}
		first[tr.Recipients[0]] = true
		if len(first)%10 != 0 {
			return sink.Fault{}
		}
		drops.Add(1)
		return sink.Fault{Keep: true, Drop: true}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	l := newLedger()
	c, err := dial(p.smtp)
	if err != nil {
		t.Fatal(err)
	}
	for range total {
		id, to, data := l.message(1, 1000)
		if err := c.send("news@trial.example", to, data); err != nil {
			t.Fatal(err)
		}
		l.ack(id)
	}
	s.Wait(total+total/10, time.Now().Add(time.Minute))
	drain(t, l, s, time.Minute)
	if err := poll(20*time.Second, func() error {
		if out, _ := p.run("queue", "list", "--json"); strings.TrimSpace(out) != "" {
			return fmt.Errorf("still queued: %s", out)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	o := l.audit(s.Messages())
	o.wantWhole(t)
	if int64(o.delivered) != int64(total)+drops.Load() || drops.Load() == 0 {
		t.Errorf("%d copies of %d messages with %d lost replies", o.delivered, total, drops.Load())
	}
	seen := make(map[string][]byte)
	for _, m := range s.Messages() {
		if before := seen[m.Recipients[0]]; before != nil && !bytes.Equal(before, m.Data) {
			t.Errorf("the retry to %s differs:\n%s\n---\n%s", m.Recipients[0], before, m.Data)
		}
		seen[m.Recipients[0]] = m.Data
	}
}
