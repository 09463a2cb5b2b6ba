package nexthop

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	// trialWait is how long a trial waits for that of another message.
	trialWait = 30 * time.Second
	// vainFor is how long a reply is not tried again on a fresh connection
	// after that did not help.
	vainFor = 10 * time.Minute
	maxVain = 64
)

// Exhausted says whether a refusal may come from a limit of the connection:
// messages went over it before, the hop defers, and stays, or leaves and names the
// limit. Refusals for the rate or as greylisting are not: coming back at once on
// another connection makes them worse. Nor is what another connection did not
// change before.
func (s *Session) Exhausted(f Failure) bool {
	stays := f.Replied || f.Status.Code == 421 && namesLimit(f.Status.Text)
	return s.before > 0 && stays && f.Status.Code/100 == 4 && !f.Stage.setup() &&
		!aboutRate(f.Status.Text) && !s.peer.isVain(answer(f))
}

// answer is what two refusals have in common that mean the same.
func answer(f Failure) string {
	return fmt.Sprintf("%s %d %s", f.Stage, f.Status.Code, f.Status.Enhanced)
}

// rateWords are of replies that ask to come back later.
var rateWords = []string{
	"greylist", "graylist", "grey-list", "gray-list", "grey list", "gray list", "postgrey", "first time", "throttl", "too fast", "slow down",
	"quota", "frequen", "concurren", "second", "minute", "hour", "daily", "per day", "too many connections", "too much mail",
}

func aboutRate(text string) bool {
	text = strings.ToLower(text)
	for _, word := range rateWords {
		if strings.Contains(text, word) {
			return true
		}
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r < 'a' || r > 'z' }) {
		if word == "rate" || word == "rates" || word == "ratelimit" || word == "ratelimited" {
			return true
		}
	}
	return false
}

// aboutConnection says whether a reply names the limit itself.
func aboutConnection(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "session") || strings.Contains(text, "connection")
}

// namesLimit says whether a hop that leaves means how much went over the connection.
// That it closes a connection or session is what most say.
func namesLimit(text string) bool {
	text = strings.ToLower(text)
	return aboutConnection(text) && (strings.Contains(text, "message") || strings.Contains(text, "mail") ||
		strings.Contains(text, "transaction") || strings.Contains(text, "deliver"))
}

// Trial is one attempt, on a fresh connection, at what another connection of the
// same hop refused.
type Trial struct {
	peer   *peer
	after  int    // messages the old connection had taken
	answer string // what the old connection was refused with
	named  bool   // the reply says that it is about the connection
	end    func()
}

// Trial asks for a trial of what s refused, after which s is used no more. It
// waits while another trial with the hop runs, and returns nil when there
// should be none. A trial must be ended.
func (s *Session) Trial(ctx context.Context, f Failure) *Trial {
	p := s.peer
	waiting, cancel := context.WithTimeout(ctx, trialWait)
	defer cancel()
	select {
	case p.turn <- struct{}{}:
	case <-waiting.Done():
		return nil
	}
	t := &Trial{
		peer: p, after: s.before, named: aboutConnection(f.Status.Text),
		answer: answer(f),
		end:    sync.OnceFunc(func() { <-p.turn }),
	}
	if s.accepted > s.before {
		t.after = 0 // it took the message for others: no number is known
	}
	if ctx.Err() != nil || p.isVain(t.answer) {
		t.End()
		return nil
	}
	return t
}

// End ends a trial that showed nothing.
func (t *Trial) End() { t.end() }

// Helped ends a trial in which the fresh connection took the message. A reply
// that does not name the limit must come after the same number twice: a hop may
// have been busy for a moment.
func (t *Trial) Helped(fresh *Session) {
	defer t.End()
	if fresh.peer != t.peer || t.after == 0 {
		return
	}
	t.peer.mu.Lock()
	sure := t.named || t.peer.suspected == t.after
	t.peer.suspected = t.after
	t.peer.mu.Unlock()
	if sure {
		t.peer.learnMessages(t.after)
	}
}

// Failed ends a trial in which the fresh connection refused too: the reply is
// about something else.
func (t *Trial) Failed() {
	p := t.peer
	p.mu.Lock()
	if p.vain == nil || len(p.vain) >= maxVain {
		p.vain = make(map[string]time.Time)
	}
	p.vain[t.answer] = p.limits.now().Add(vainFor)
	p.mu.Unlock()
	t.End()
}

func (p *peer) isVain(answer string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limits.now().Before(p.vain[answer])
}
