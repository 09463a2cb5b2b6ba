package trial

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"offramp/gateway/sink"
)

// ledger is what the trial knows, kept outside the product: what was sent,
// what was answered 250, and what came out (RELIABILITY of the plan: lost 0,
// damaged 0, half 0).
type ledger struct {
	mu   sync.Mutex
	sent map[string]*entry // by trial id
	next int
	owed int // recipients answered 250
}

type entry struct {
	recipients []string
	body       [32]byte
	acked      bool
}

func newLedger() *ledger { return &ledger{sent: make(map[string]*entry)} }

// message makes the next message to n recipients with a body of about size octets.
func (l *ledger) message(n, size int) (id string, to []string, data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	id = fmt.Sprintf("t%07d", l.next)
	for i := range n {
		to = append(to, fmt.Sprintf("r%d.%s@dest.example", i, id))
	}
	body := trialBody(l.next, size)
	l.sent[id] = &entry{recipients: to, body: sha256.Sum256(body)}
	head := "From: News <news@trial.example>\r\nTo: undisclosed:;\r\nSubject: Trial " + id + "\r\nMessage-ID: <" + id +
		"@trial.example>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nX-Trial: " + id + "\r\n\r\n"
	return id, to, append([]byte(head), body...)
}

// trialBody is text with what goes wrong easily: leading dots, long lines, 8-bit.
func trialBody(seed, size int) []byte {
	r := rand.New(rand.NewPCG(uint64(seed), 7))
	var b bytes.Buffer
	for b.Len() < size {
		switch r.IntN(12) {
		case 0:
			b.WriteString(".leading dot\r\n")
		case 1:
			b.WriteString("\r\n")
		case 2:
			b.WriteString("..\r\n. \r\ntrailing blanks  \t \r\n")
		case 3:
			b.WriteString("gr\xc3\xbc\xc3\x9fe\r\n")
		default:
			b.WriteString(strings.Repeat("offramp ", 1+r.IntN(9)) + "\r\n")
		}
	}
	fmt.Fprintf(&b, "end of %d\r\n", seed)
	return b.Bytes()
}

func (l *ledger) ack(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[id].acked = true
	l.owed += len(l.sent[id].recipients)
}

// acked is how many recipients of messages were answered 250.
func (l *ledger) acked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owed
}

// outcome is what a trial counts.
type outcome struct {
	acked, recipients, delivered, lost, damaged, foreign, duplicates int
	examples                                                         []string
}

func (o outcome) String() string {
	return fmt.Sprintf("%d messages answered 250, %d recipients, %d deliveries: lost %d, damaged %d, foreign %d, duplicates %d %v",
		o.acked, o.recipients, o.delivered, o.lost, o.damaged, o.foreign, o.duplicates, o.examples)
}

// settled stands for a recipient whose failure a bounce reported.
func (l *ledger) settled(id, recipient string) sink.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	var digest [32]byte
	if e := l.sent[id]; e != nil {
		digest = e.body
	}
	return sink.Message{ReversePath: id, Recipients: []string{recipient}, Data: digest[:], Login: bounced}
}

// bounced marks a message made by settled.
const bounced = "bounced"

// audit compares what came out with what was promised.
func (l *ledger) audit(messages []sink.Message) outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	var o outcome
	got := make(map[string]int)
	for _, m := range messages {
		_, body, _ := bytes.Cut(m.Data, []byte("\r\n\r\n"))
		id, digest := field(m.Data, "X-Trial"), sha256.Sum256(body)
		if m.Login == bounced {
			id, digest = m.ReversePath, [32]byte(m.Data)
		}
		e := l.sent[id]
		switch {
		case e == nil:
			o.foreign++
			o.note("foreign %q", id)
			continue
		case digest != e.body:
			o.damaged++
			o.note("damaged %s", id)
		}
		for _, r := range m.Recipients {
			o.delivered++
			if !slices.Contains(e.recipients, r) {
				o.foreign++
				o.note("%s to foreign %s", id, r)
			}
			got[r]++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.sent)) {
		e := l.sent[id]
		if e.acked {
			o.acked++
			o.recipients += len(e.recipients)
		}
		for _, r := range e.recipients {
			if got[r] == 0 && e.acked {
				o.lost++
				o.note("lost %s", r)
			}
			if got[r] > 1 {
				o.duplicates += got[r] - 1
			}
		}
	}
	return o
}

func (o *outcome) note(format string, args ...any) {
	if len(o.examples) < 10 {
		o.examples = append(o.examples, fmt.Sprintf(format, args...))
	}
}

// wantWhole fails the trial on any loss, damage or foreign delivery.
func (o outcome) wantWhole(t testing.TB) {
	t.Helper()
	t.Log(o)
	if o.lost+o.damaged+o.foreign > 0 {
		t.Errorf("promise broken: %s", o)
	}
}

// field returns the first value of a header field as it was sent, unfolded.
func field(data []byte, name string) string {
	head, _, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	text := strings.ReplaceAll(strings.ReplaceAll("\r\n"+string(head), "\r\n ", " "), "\r\n\t", " ")
	_, rest, found := strings.Cut(strings.ToLower(text), "\r\n"+strings.ToLower(name)+":")
	if !found {
		return ""
	}
	value := text[len(text)-len(rest):]
	value, _, _ = strings.Cut(value, "\r\n")
	return strings.TrimSpace(value)
}

// unsubscribeURL is the https URI of the List-Unsubscribe field.
func unsubscribeURL(data []byte) string {
	value := field(data, "List-Unsubscribe")
	_, rest, _ := strings.Cut(value, "<https://")
	uri, _, found := strings.Cut(rest, ">")
	if !found {
		return ""
	}
	return "https://" + uri
}
