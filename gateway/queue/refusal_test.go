package queue

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/nexthop"
	"offramp/gateway/render"
	"offramp/gateway/sink"
	"offramp/store"
)

// Each recipient has a reverse-path of its own on the wire; exempt mail and
// what is not configured keep the sender's.
func TestReversePathOnTheWire(t *testing.T) {
	s := startSink(t, sink.Options{})
	h := newFixture(t, hopTo(s), func(p *parts) { p.Renderer.Feedback = render.Feedback{Bounces: true} })
	h.spool.put(news("q1"), "Hi\r\n", to("a@b.example", "c@b.example")...)
	h.spool.put(exempt("q2"), "Hi\r\n", to("a@b.example")...)
	h.run()
	within(t, 5*time.Second, "all delivered", func() bool { return len(h.spool.left()) == 0 })
	seen := map[string]bool{}
	for _, m := range s.Messages() {
		seen[m.ReversePath] = true
		local, domain, _ := strings.Cut(m.ReversePath, "@")
		claims, err := h.queue.Renderer.Tokens.OpenAddress(local)
		exempt := strings.Contains(string(m.Data), "reset")
		if exempt != (m.ReversePath == "news@example.com") || !exempt && (err != nil || domain != "out.example.com" || claims.Recipient != m.Recipients[0]) {
			t.Errorf("%s for %v: %v", m.ReversePath, m.Recipients, err)
		}
	}
	if len(seen) != 3 {
		t.Errorf("reverse-paths %v", seen)
	}
}

// refusals keeps what is reported, after some errors.
type refusals struct {
	mu       sync.Mutex
	errs     int
	reported []Refusal
}

func (r *refusals) Refused(_ context.Context, one Refusal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.errs > 0 {
		r.errs--
		return store.ErrUnavailable
	}
	r.reported = append(r.reported, one)
	return nil
}

func TestRefusalsAreReported(t *testing.T) {
	reply := func(at sink.Stage, text string) sink.Options {
		return sink.Options{Fault: func(stage sink.Stage, tr sink.Transaction) sink.Fault {
			if stage == at && (stage != sink.Rcpt || tr.Recipient == "a@b.example") {
				return sink.Fault{Reply: text}
			}
			return sink.Fault{}
		}}
	}
	for name, test := range map[string]struct {
		options sink.Options
		message store.Message
		want    string // code, status, list; empty: nothing is reported
		atEnd   bool
	}{
		"at RCPT":              {reply(sink.Rcpt, "550 5.1.1 <a@b.example> is unknown"), news("q1"), "550 5.1.1 news", false},
		"exempt mail":          {reply(sink.Rcpt, "550 5.1.1 unknown"), exempt("q1"), "550 5.1.1 ", false},
		"at the end of it":     {reply(sink.Dot, "554 5.7.1 spam"), news("q1"), "554 5.7.1 news", true},
		"together with others": {reply(sink.Dot, "554 5.7.1 spam"), exempt("q1"), "", false},
		"at MAIL":              {reply(sink.Mail, "550 5.7.1 go away"), news("q1"), "", false},
		"taken":                {sink.Options{}, news("q1"), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := &refusals{errs: 2}
			h := newFixture(t, hopTo(startSink(t, test.options)), func(p *parts) { p.Refusals = r })
			all := to("a@b.example", "c@b.example")
			if strings.HasSuffix(test.want, "news") {
				all = all[:1]
			}
			h.spool.put(test.message, "Hi\r\n", all...)
			stop := h.run()
			within(t, 5*time.Second, "all settled", func() bool { return len(h.spool.left()) == 0 })
			stop()
			r.mu.Lock()
			defer r.mu.Unlock()
			got := ""
			for _, one := range r.reported {
				got = strings.Join([]string{strconv.Itoa(one.Code), one.Status, one.List}, " ")
				if one.AtEnd != test.atEnd || one.Once == "" || one.QueueID != "q1" || strings.Contains(one.Text, "a@b.example") || one.Recipient.String() != "a@b.example" {
					t.Errorf("%+v", one)
				}
			}
			if got != test.want || len(r.reported) > 1 {
				t.Errorf("reported %+v, want %q", r.reported, test.want)
			}
		})
	}
}

// A domain that does not exist is reported too.
func TestRefusalsWithoutAReply(t *testing.T) {
	r := &refusals{}
	h := newFixture(t, setup{hops: nexthop.Config{Servers: []string{"mx"}}}, func(p *parts) {
		p.Refusals = r
		p.hops.Resolver = sink.Names{}
	})
	h.spool.put(news("q1"), "Hi\r\n", to("a@nowhere.example")...)
	stop := h.run()
	within(t, 5*time.Second, "settled", func() bool { return len(h.spool.left()) == 0 })
	stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.reported) != 1 || r.reported[0].Code != 0 || r.reported[0].Status == "" || r.reported[0].Text == "" {
		t.Errorf("reported %+v", r.reported)
	}
}
