package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/gateway/stream"
	"offramp/listunsub"
)

// sender is a program that writes mail, with each kind of mail it writes to Ada.
type sender struct {
	letters []mailKind
	// leave are the letters whose button Ada presses.
	leave []string
	// suppress are lists that the operator stops for her.
	suppress []string
	// send has the program write every letter once.
	send func(t *testing.T, port string)
}

// mailKind is one kind of mail, and what it is taken for.
type mailKind struct {
	subject string // a part of it that no other letter has
	kind    stream.Kind
	step    stream.Step
	list    string // of list mail, and of untouched mail with a List-Id
}

// trial has a sender write to Ada before and after she opts out, with nothing
// configured but where mail goes and the key of its domain.
func (s sender) trial(t *testing.T) {
	t.Helper()
	hop, err := sink.Start(sink.Options{})
	must(t, err)
	defer hop.Close()
	p := setup(t, "smtp://"+hop.Addr())
	delete(p.env, "DEFAULT_STREAM")
	p.env["DKIM_KEYS"] = "trial.example:rsa:" + p.rsaKey + ",trial.example:ed:" + p.edKey
	p.start()
	r := record(t, p.smtp)

	sent, arrived := s.round(t, p, hop, r)
	for i, l := range s.letters {
		if arrived[i] == nil {
			t.Errorf("before the opt-out %q did not arrive", l.subject)
			continue
		}
		l.check(t, p, sent[i], arrived[i].Data)
	}
	s.classified(t, p, sent)
	noListIsSplit(t, s.letters, sent)
	verifySignatures(t, p, hop.Messages())
	if t.Failed() {
		return
	}

	left := make(map[string]bool)
	for i, l := range s.letters {
		if slices.Contains(s.leave, l.subject) {
			p.oneClick(unsubscribeURL(arrived[i].Data))
			left[l.list] = true
		}
	}
	for _, list := range s.suppress {
		if _, code := p.run("suppress", "add", "ada@dest.example", "--list", list); code != 0 {
			t.Fatalf("offramp suppress add --list %s: exit %d", list, code)
		}
		left[list] = true
	}
	_, arrived = s.round(t, p, hop, r)
	for i, l := range s.letters {
		drop := l.kind != stream.Exempt && left[l.list]
		switch {
		case drop && arrived[i] != nil:
			t.Errorf("after the opt-out from %s, %q arrived:\n%s", l.list, l.subject, arrived[i].Data)
		case !drop && arrived[i] == nil:
			t.Errorf("after the opt-out from %v, %q was lost", s.leave, l.subject)
		}
	}
}

// round has every letter written and returns what was written and what became
// of it, in the order of letters.
func (s sender) round(t *testing.T, p *process, hop *sink.Sink, r *recorder) (sent [][]byte, arrived []*sink.Message) {
	t.Helper()
	written, delivered := len(r.recorded()), len(hop.Messages())
	s.send(t, r.port())
	if err := poll(30*time.Second, func() error {
		if n := len(r.recorded()) - written; n < len(s.letters) {
			return fmt.Errorf("%d of %d letters were written", n, len(s.letters))
		}
		// Nothing waits: all that is delivered arrived, the rest is dropped.
		if out, _ := p.run("queue", "list", "--json"); strings.TrimSpace(out) != "" {
			return fmt.Errorf("still queued: %s", out)
		}
		return nil
	}); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
	sent, arrived = make([][]byte, len(s.letters)), make([]*sink.Message, len(s.letters))
	for _, data := range r.recorded()[written:] {
		if i := s.index(data); i >= 0 && sent[i] == nil {
			sent[i] = data
		} else {
			t.Errorf("nobody expected, or twice:\n%.2000s", data)
		}
	}
	for _, m := range hop.Messages()[delivered:] {
		if i := s.index(m.Data); i >= 0 {
			arrived[i] = &m
		}
	}
	for i, l := range s.letters {
		if sent[i] == nil {
			t.Fatalf("the sender wrote no %q", l.subject)
		}
	}
	return sent, arrived
}

// index is the letter that a message is, or -1.
func (s sender) index(data []byte) int {
	subject, err := new(mime.WordDecoder).DecodeHeader(field(data, "Subject"))
	if err != nil {
		return -1
	}
	return slices.IndexFunc(s.letters, func(l mailKind) bool { return strings.Contains(subject, l.subject) })
}

// check compares a letter as it was written and as it arrived.
func (l mailKind) check(t *testing.T, p *process, sent, arrived []byte) {
	t.Helper()
	ours := strings.Contains(string(arrived), "https://u.trial.example/")
	switch l.kind {
	case stream.Listed:
		url := unsubscribeURL(arrived)
		if !strings.HasPrefix(url, "https://u.trial.example/u/") || field(arrived, "List-Unsubscribe-Post") != listunsub.PostValue {
			t.Errorf("%q has no button:\n%s", l.subject, arrived)
			return
		}
		claims, err := p.keys.Open(url[strings.LastIndex(url, "/")+1:], listunsub.HeaderLink)
		if err != nil || claims.List != l.list {
			t.Errorf("the button of %q is for list %q (%v), want %q", l.subject, claims.List, err, l.list)
		}
	default:
		if ours {
			t.Errorf("%q got a button:\n%s", l.subject, arrived)
		}
		if field(sent, stream.ControlHeader) == "" && !bytes.HasSuffix(arrived, sent) {
			t.Errorf("%q was touched:\n%s\nwas\n%s", l.subject, arrived, sent)
		}
	}
	if field(arrived, stream.ControlHeader) != "" {
		t.Errorf("the control field of %q left the gateway", l.subject)
	}
	if !strings.Contains(field(arrived, "DKIM-Signature"), "d=trial.example") {
		t.Errorf("%q is not signed:\n%s", l.subject, arrived)
	}
}

// classified asks the program what each letter is, and by which step.
func (s sender) classified(t *testing.T, p *process, sent [][]byte) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"classify", "--json"}
	for i := range sent {
		file := filepath.Join(dir, fmt.Sprintf("%02d.eml", i))
		must(t, os.WriteFile(file, sent[i], 0o600))
		args = append(args, file)
	}
	out, _ := p.run(args...)
	d := json.NewDecoder(strings.NewReader(out))
	for _, l := range s.letters {
		var got struct{ Is, Step, List, Mark string }
		if err := d.Decode(&got); errors.Is(err, io.EOF) {
			t.Fatalf("classify said nothing of %q", l.subject)
		}
		if got.Is != l.kind.String() || got.Step != string(l.step) || got.List != l.list {
			t.Errorf("%q is %s %s by %s (%s), want %s %s by %s", l.subject, got.Is, got.List, got.Step, got.Mark, l.kind, l.list, l.step)
		}
	}
}

// noListIsSplit wants no List-Id on marked and on other mail: who presses the
// button of the one would still get the other. Account mail has to arrive.
func noListIsSplit(t *testing.T, letters []mailKind, sent [][]byte) {
	t.Helper()
	kinds := make(map[string]mailKind)
	for i, l := range letters {
		_, id, found := strings.Cut(field(sent[i], "List-Id"), "<")
		answer := l.kind == stream.Untouched && l.list == "" // to what the person did
		if !found || answer || l.step == stream.ByAccount || l.step == stream.ByControl {
			continue
		}
		if other, seen := kinds[id]; seen && other.kind != l.kind {
			t.Errorf("List-Id <%s: %q is %s, %q is %s", id, l.subject, l.kind, other.subject, other.kind)
		}
		kinds[id] = l
	}
}

// runSender runs a program to its end.
func runSender(t *testing.T, stdin, name string, args ...string) {
	t.Helper()
	runWith(t, nil, stdin, name, args...)
}

func runWith(t *testing.T, env []string, stdin, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = env
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
