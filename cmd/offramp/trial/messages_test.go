package trial

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// tracked is what the trial reads of an answer of `offramp messages --json`.
type tracked struct {
	QueueID  string `json:"queue_id"`
	Outcome  string
	Verdict  string
	Reason   string
	Bounce   string
	Attempts int
	Tries    []struct {
		Count int
		Code  int
		Text  string
	}
	Followed []struct{ Kind string }
}

func (p *process) messagesTo(to string) (all []tracked) {
	p.t.Helper()
	out, _ := p.run("messages", "--to", to, "--json")
	for line := range strings.Lines(out) {
		var m tracked
		must(p.t, json.Unmarshal([]byte(line), &m))
		all = append(all, m)
	}
	return all
}

// awaitMessage waits until the newest message to somebody has an outcome.
func (p *process) awaitMessage(to, outcome string) (m tracked) {
	p.t.Helper()
	must(p.t, poll(20*time.Second, func() error {
		all := p.messagesTo(to)
		if len(all) == 0 || all[0].Outcome != outcome {
			return fmt.Errorf("%s: %+v", to, all)
		}
		m = all[0]
		return nil
	}))
	return m
}

// What became of the mail to somebody: while it waits, after a kill, delivered at
// the third attempt, bounced, dropped on acceptance, and the opt-out that followed.
// After an erasure nothing is known.
func TestWhatBecameOfTheMail(t *testing.T) {
	var open atomic.Bool
	s, err := sink.Start(sink.Options{Fault: func(st sink.Stage, at sink.Transaction) sink.Fault {
		switch {
		case st == sink.Rcpt && strings.HasPrefix(at.Recipient, "nobody"):
			return sink.Fault{Reply: "550 5.1.1 nobody here"}
		case st == sink.Mail && !open.Load():
			return sink.Fault{Reply: "451 4.3.2 come back later"}
		}
		return sink.Fault{}
	}})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	p := start(t, "smtp://"+s.Addr())
	send := func(to string) {
		t.Helper()
		conn, err := dial(p.smtp)
		must(t, err)
		defer conn.close()
		must(t, conn.send("news@trial.example", []string{to}, letter("weekly.trial.example")))
	}
	const ada, nobody = "Ada@dest.example", "nobody@dest.example"
	send(ada)
	must(t, poll(10*time.Second, func() error {
		if all := p.messagesTo("ada@dest.example"); len(all) != 1 || all[0].Outcome != "queued" || all[0].Attempts < 2 || all[0].Tries[0].Count < 2 {
			return fmt.Errorf("%+v", all)
		}
		return nil
	}))
	p.kill()
	if all := p.messagesTo(ada); len(all) != 1 || all[0].Outcome != "queued" || all[0].Tries[0].Code != 451 || !strings.Contains(all[0].Tries[0].Text, "come back later") {
		t.Errorf("after the kill, without a server: %+v", all)
	}
	open.Store(true)
	p.start()
	m := p.awaitMessage(ada, "delivered")
	if last := m.Tries[len(m.Tries)-1]; m.Verdict != "deliver" || last.Code != 250 || last.Count != 1 || len(m.Tries) != 2 {
		t.Errorf("%+v", m)
	}
	send(nobody)
	if m := p.awaitMessage(nobody, "bounced"); m.Bounce == "" || m.Tries[0].Code != 550 {
		t.Errorf("%+v", m)
	}
	p.oneClick(sealed(p, "weekly.trial.example", ada))
	send(ada)
	if m := p.awaitMessage(ada, "dropped"); m.Verdict != "drop" || m.Reason != "unsubscribed" || m.Attempts != 0 {
		t.Errorf("%+v", m)
	}
	p.kill()
	p.start()
	all := p.messagesTo(ada)
	if len(all) != 2 || len(all[1].Followed) != 1 || all[1].Followed[0].Kind != "unsubscribed" {
		t.Errorf("%+v", all)
	}
	if text, code := p.run("messages", "--queue-id", all[1].QueueID); code != 0 || !strings.Contains(text, "delivered") || !strings.Contains(text, "then ") {
		t.Errorf("exit code %d\n%s", code, text)
	} else {
		t.Log("\n" + text)
	}
	if text, code := p.run("messages", "--to", nobody); code != 0 || !strings.Contains(text, "550 5.1.1 nobody here") {
		t.Errorf("exit code %d\n%s", code, text)
	} else {
		t.Log("\n" + text)
	}
	if r, err := http.Get("http://" + p.admin + "/api/v1/messages?to=" + url.QueryEscape(ada)); err != nil || r.StatusCode != 200 {
		t.Errorf("%v %v", r, err)
	}
	if out, code := p.run("recipient", "erase", ada, "--yes"); code != 0 {
		t.Errorf("erase: exit code %d %s", code, out)
	}
	if all := p.messagesTo(ada); len(all) != 0 {
		t.Errorf("after the erasure: %+v", all)
	}
	if out, code := p.run("messages", "--to", ada); code != 1 || out != "" {
		t.Errorf("exit code %d %q", code, out)
	}
	if all := p.messagesTo(nobody); len(all) != 1 {
		t.Errorf("of somebody else: %+v", all)
	}
}
