package queue

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/store"
)

// limited is a hop that refuses at a stage once a connection has had its messages.
type limited struct {
	at    sink.Stage
	most  int
	reply string

	mu       sync.Mutex
	messages map[int]int // by session
	refused  int
}

func (l *limited) fault(at sink.Stage, tx sink.Transaction) sink.Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.messages == nil {
		l.messages = make(map[int]int)
	}
	if at == sink.Replied {
		l.messages[tx.Session]++
	}
	if at == l.at && l.messages[tx.Session] >= l.most {
		l.refused++
		return sink.Fault{Reply: l.reply}
	}
	return sink.Fault{}
}

// TestLimitPerConnection: at each stage nothing is deferred, and once the
// number is known no connection comes to it.
func TestLimitPerConnection(t *testing.T) {
	for _, at := range []sink.Stage{sink.Mail, sink.Rcpt, sink.Data, sink.Dot} {
		for name, c := range map[string]struct {
			reply       string
			connections int
			refused     int // at most
		}{
			"named":           {"451 4.4.5 Maximum number of messages per session exceeded.", 1, 1},
			"not named":       {"451 4.3.0 no more", 1, 2},
			"bare":            {"450", 1, 2},
			"452":             {"452 4.3.1 enough", 1, 2},
			"all connections": {"451 4.4.5 Maximum number of messages per session exceeded.", 20, 20},
		} {
			t.Run(string(at)+" "+name, func(t *testing.T) {
				t.Parallel()
				hop := &limited{at: at, most: 10, reply: c.reply}
				s := startSink(t, sink.Options{Fault: hop.fault, Discard: true})
				config := hopTo(s)
				config.RetryMin, config.hops.Connections = time.Hour, c.connections
				h := newFixture(t, config, nil)
				for i := range 40 {
					h.spool.put(news(fmt.Sprint("q", i)), "Hi\r\n", to("a@b.example", "b@b.example", "c@b.example", "d@b.example", "e@b.example")...)
				}
				h.run()
				within(t, 30*time.Second, "delivered", func() bool { return len(h.spool.left()) == 0 || h.stats.Deferred.Load() > 0 })
				hop.mu.Lock()
				defer hop.mu.Unlock()
				if n := h.stats.Deferred.Load(); n > 0 || hop.refused > c.refused {
					t.Errorf("%d deferred, %d refused, want %d at most; log:\n%s", n, hop.refused, c.refused, h.log)
				}
				if n := strings.Count(h.log.String(), "next hop limits the messages of a connection, and gets no more"); c.connections == 1 && (n != 1 || h.conns.Limits.Load() != 1) {
					t.Errorf("%d lines in the log, %d counted", n, h.conns.Limits.Load())
				}
				if limits := h.queue.Hops.Limits(); c.connections == 1 && (len(limits) != 1 || limits[0].Messages != 10) {
					t.Errorf("%+v", limits)
				}
				if len(s.Messages()) != 200 {
					t.Errorf("%d messages came", len(s.Messages()))
				}
			})
		}
	}
}

// TestNoTrial: what another connection does not change is deferred, and not
// tried again for every message.
func TestNoTrial(t *testing.T) {
	for name, c := range map[string]struct {
		reply    string
		sessions int // in all
	}{
		"greylisting":       {"450 4.2.0 Greylisted, come back", 1},
		"greylisting, time": {"451 4.7.1 try again in 300 seconds", 1},
		"rate":              {"452 4.2.1 sending rate exceeded", 1},
		"per hour":          {"450 4.7.0 too many messages per hour", 1},
		"something else":    {"451 4.3.0 no", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			sessions := make(map[int]bool)
			s := startSink(t, sink.Options{Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
				mu.Lock()
				defer mu.Unlock()
				sessions[tx.Session] = true
				if at == sink.Rcpt && strings.HasPrefix(tx.Recipient, "bad") {
					return sink.Fault{Reply: c.reply}
				}
				return sink.Fault{}
			}})
			config := hopTo(s)
			config.RetryMin, config.hops.Connections = time.Hour, 1
			h := newFixture(t, config, nil)
			for i := range 10 {
				h.spool.put(news(fmt.Sprint("good", i)), "Hi\r\n", to("a@b.example")...)
				h.spool.put(news(fmt.Sprint("bad", i)), "Hi\r\n", to(fmt.Sprintf("bad%d@b.example", i))...)
			}
			h.run()
			within(t, 10*time.Second, "settled", func() bool { return h.stats.Delivered.Load() == 10 && h.stats.Deferred.Load() == 10 })
			mu.Lock()
			defer mu.Unlock()
			if len(sessions) != c.sessions {
				t.Errorf("%d sessions, want %d", len(sessions), c.sessions)
			}
			if limits := h.queue.Hops.Limits(); len(limits) > 0 {
				t.Errorf("learnt %+v", limits)
			}
		})
	}
}

// TestTrialIsAnAttempt: the gate and the verdict are asked again, and a slot is
// handed back before.
func TestTrialIsAnAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		leaves bool // between the two
		want   store.ResultKind
	}{
		"stays":  {false, store.Delivered},
		"leaves": {true, store.Dropped},
	} {
		t.Run(name, func(t *testing.T) {
			hop := &limited{at: sink.Dot, most: 1, reply: "451 4.4.5 one message per session"}
			var people *people
			s := startSink(t, sink.Options{Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
				f := hop.fault(at, tx)
				if f.Reply != "" && c.leaves {
					people.mu.Lock()
					people.dropped = map[string]store.Reason{"b@b.example": store.ReasonUnsubscribed}
					people.mu.Unlock()
				}
				return f
			}})
			config := hopTo(s)
			config.RetryMin, config.hops.Connections = time.Hour, 1
			h := newFixture(t, config, nil)
			people = h.people
			people.limited = "b@b.example"
			h.spool.put(news("q1"), "Hi\r\n", to("a@b.example")...)
			h.spool.put(news("q2"), "Hi\r\n", to("b@b.example")...)
			h.run()
			within(t, 10*time.Second, "settled", func() bool { return len(h.spool.left()) == 0 })
			h.spool.mu.Lock()
			last := h.spool.results[len(h.spool.results)-1]
			h.spool.mu.Unlock()
			if last.Kind != c.want {
				t.Errorf("%+v, want %v", last, c.want)
			}
			outcomes := fmt.Sprint(h.people.outcomes("q2 2"))
			if want := fmt.Sprint([]store.Outcome{store.NotSent, store.Sent}); !c.leaves && outcomes != want {
				t.Errorf("outcomes %s, want %s", outcomes, want)
			}
			if h.people.open != 0 {
				t.Errorf("%d gates are held", h.people.open)
			}
		})
	}
}

// TestLimitOfRecipients: more than the hop takes in one transaction go in
// several, whatever it says to it, and the number is kept.
func TestLimitOfRecipients(t *testing.T) {
	const all = 12
	for name, c := range map[string]struct {
		reply      string
		extensions []string
		most       int // recipients of a transaction
		domains    int
		refused    int // at most
	}{
		"452":           {"452 4.5.3 too many recipients", nil, 5, 0, 1},
		"550 5.5.3":     {"550 5.5.3 too many recipients", nil, 5, 0, 1},
		"554 5.5.3":     {"554 5.5.3 too many recipients", nil, 5, 0, 1},
		"one":           {"550 5.5.3 too many recipients", nil, 1, 0, 1},
		"550, in words": {"550 Too many recipients", nil, 5, 0, 1},
		"at DATA":       {"554 5.5.3 too many recipients", nil, 3, 0, 2},
		"at the dot":    {"452 4.5.3 too many recipients", nil, 3, 0, 2},
		"announced":     {"550 5.7.0 never", []string{"LIMITS RCPTMAX=5 MAILMAX=2"}, 5, 0, 0},
		"domains":       {"550 5.7.0 never", []string{"LIMITS RCPTDOMAINMAX=1"}, all, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			refused, mails := 0, make(map[int]int)
			s := startSink(t, sink.Options{Extensions: c.extensions, Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
				mu.Lock()
				defer mu.Unlock()
				if at == sink.Mail {
					mails[tx.Session]++
				}
				domains := make(map[string]bool)
				for _, r := range append([]string{tx.Recipient}, tx.Recipients...) {
					domains[r[strings.IndexByte(r, '@')+1:]] = true
				}
				late := map[string]sink.Stage{"at DATA": sink.Data, "at the dot": sink.Dot}[name]
				if late != "" {
					if at == late && len(tx.Recipients) > c.most {
						refused++
						return sink.Fault{Reply: c.reply}
					}
					return sink.Fault{}
				}
				if at == sink.Rcpt && (len(tx.Recipients) >= c.most || c.domains > 0 && len(domains) > c.domains) {
					refused++
					return sink.Fault{Reply: c.reply}
				}
				return sink.Fault{}
			}})
			config := hopTo(s)
			config.RetryMin, config.hops.Connections = time.Hour, 1
			h := newFixture(t, config, nil)
			var recipients []store.Recipient
			for i := range all {
				recipients = append(recipients, store.Recipient{Address: fmt.Sprintf("r%d@d%d.example", i, i/4)})
			}
			h.spool.put(exempt("q1"), "Hi\r\n", recipients...)
			h.run()
			within(t, 10*time.Second, "settled", func() bool { return len(h.spool.left()) == 0 })
			mu.Lock()
			defer mu.Unlock()
			n := 0
			for _, m := range s.Messages() {
				n += len(m.Recipients)
			}
			if n != all || refused > c.refused || h.stats.Failed.Load()+h.stats.Deferred.Load() > 0 {
				t.Errorf("%d recipients got it, %d refused; log:\n%s", n, refused, h.log)
			}
			for session, n := range mails {
				if name == "announced" && n > 2 {
					t.Errorf("%d transactions in session %d", n, session)
				}
			}
		})
	}
}

// One address that cannot be named to the hop fails alone.
func TestUTF8RecipientFailsAlone(t *testing.T) {
	s := startSink(t, sink.Options{Extensions: []string{"8BITMIME"}})
	h := newFixture(t, hopTo(s), nil)
	m := exempt("q1")
	m.UTF8 = true
	h.spool.put(m, "Hi\r\n", to("a@b.example", "jörg@b.example", "c@b.example")...)
	h.run()
	within(t, 5*time.Second, "settled", func() bool { return h.stats.Delivered.Load() >= 2 && h.stats.Failed.Load() == 1 })
	if got := s.Messages(); strings.Join(got[0].Recipients, " ") != "a@b.example c@b.example" {
		t.Errorf("%v", got[0].Recipients)
	}
}

// A hop that answers twice, or without text, gets each message once.
func TestOddSuccessIsOne(t *testing.T) {
	for _, reply := range []string{"250", "250\tok", "251 ok", "200 ok", "250\r\n250 Ok 1"} {
		s := startSink(t, sink.Options{Fault: func(at sink.Stage, _ sink.Transaction) sink.Fault {
			if at == sink.Dot {
				return sink.Fault{Reply: reply}
			}
			return sink.Fault{}
		}})
		config := hopTo(s)
		config.hops.Connections = 1
		h := newFixture(t, config, nil)
		for i := range 5 {
			h.spool.put(news(fmt.Sprint("q", i)), "Hi\r\n", to("a@b.example", "c@b.example")...)
		}
		h.run()
		within(t, 10*time.Second, "settled", func() bool { return len(h.spool.left()) == 0 })
		if n := len(s.Messages()); n != 10 || h.stats.Delivered.Load() != 10 || h.stats.Deferred.Load() != 0 {
			t.Errorf("%q: %d messages came, %d delivered, %d deferred", reply, n, h.stats.Delivered.Load(), h.stats.Deferred.Load())
		}
	}
}

// A kept connection that ends without a word before the message is replaced at
// once; 421 asks to stay away, unless it names the messages of the connection.
func TestKeptConnectionEnds(t *testing.T) {
	for name, c := range map[string]struct {
		at       sink.Stage
		fault    sink.Fault
		deferred bool
	}{
		"MAIL":      {sink.Mail, sink.Fault{Drop: true}, false},
		"RCPT":      {sink.Rcpt, sink.Fault{Drop: true}, false},
		"DATA":      {sink.Data, sink.Fault{Drop: true}, false},
		"RCPT, 421": {sink.Rcpt, sink.Fault{Reply: "421 4.7.0 bye"}, true},
		"dot, 421":  {sink.Dot, sink.Fault{Reply: "421 4.7.0 bye"}, true},
		"limit":     {sink.Rcpt, sink.Fault{Reply: "421 4.4.5 too many messages in this session"}, false},
		"at DATA":   {sink.Data, sink.Fault{Reply: "421 Max message per connection reached"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hop := &limited{at: c.at, most: 2}
			s := startSink(t, sink.Options{Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
				if hop.fault(at, tx); at == c.at && hop.over(tx.Session) {
					return c.fault
				}
				return sink.Fault{}
			}})
			config := hopTo(s)
			config.RetryMin, config.hops.Connections = time.Hour, 1
			h := newFixture(t, config, nil)
			for i := range 6 {
				h.spool.put(news(fmt.Sprint("q", i)), "Hi\r\n", to("a@b.example")...)
			}
			h.run()
			within(t, 10*time.Second, "settled", func() bool { return h.stats.Delivered.Load()+h.stats.Deferred.Load() == 6 })
			if got := h.stats.Deferred.Load() > 0; got != c.deferred {
				t.Errorf("%d deferred; log:\n%s", h.stats.Deferred.Load(), h.log)
			}
		})
	}
}

// The rest of a message may go over another hop: each recipient is told of by what its
// own hop can do.
func TestNoticeIsOfTheHopThatTookIt(t *testing.T) {
	hop := &limited{at: sink.Rcpt, most: 1}
	first := startSink(t, sink.Options{Extensions: []string{"DSN"}, Fault: func(at sink.Stage, tx sink.Transaction) sink.Fault {
		hop.fault(at, tx)
		switch {
		case at == sink.Banner && tx.Session > 1:
			return sink.Fault{Reply: "421 4.3.2 busy"}
		case at == sink.Rcpt && strings.HasPrefix(tx.Recipient, "late") && hop.over(tx.Session):
			return sink.Fault{Reply: "451 4.4.5 too many messages in this session"}
		}
		return sink.Fault{}
	}})
	second := startSink(t, sink.Options{Extensions: []string{"8BITMIME"}})
	config := hopTo(first)
	config.RetryMin, config.hops.Connections = time.Hour, 1
	config.hops.Servers = append(config.hops.Servers, "smtp://"+second.Addr())
	h := newFixture(t, config, nil)
	h.spool.put(exempt("q0"), "Hi\r\n", to("a@b.example")...)
	h.run()
	within(t, 5*time.Second, "first", func() bool { return h.stats.Delivered.Load() == 1 })
	recipients := to("early@b.example", "late@b.example")
	for i := range recipients {
		recipients[i].Notify = "SUCCESS"
	}
	h.spool.put(exempt("q1"), "Hi\r\n", recipients...)
	h.queue.Wake()
	within(t, 5*time.Second, "all", func() bool { return h.stats.Delivered.Load() >= 4 && len(h.spool.left()) == 0 })
	var told string
	for _, s := range []*sink.Sink{first, second} {
		for _, m := range s.Messages() {
			if m.ReversePath == "" {
				told += string(m.Data)
			}
		}
	}
	if !strings.Contains(told, "Final-Recipient: rfc822; late@b.example") || strings.Contains(told, "Final-Recipient: rfc822; early") {
		t.Errorf("told:\n%s", told)
	}
}

// over says whether a session has had its messages.
func (l *limited) over(session int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.messages[session] >= l.most
}
