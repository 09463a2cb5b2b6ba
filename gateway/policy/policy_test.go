package policy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// people answers with what is recorded of a few.
type people struct {
	mu    sync.Mutex
	err   error
	panic bool
	wait  chan struct{}
	asked chan struct{} // with wait: takes each question
	lists []string
}

func (p *people) Verdict(ctx context.Context, a envelope.Address, list string) (store.Verdict, error) {
	if p.wait != nil {
		p.asked <- struct{}{}
		select {
		case <-p.wait:
		case <-ctx.Done():
			return store.Verdict{}, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lists = append(p.lists, list)
	if p.panic {
		panic("a bug")
	}
	reasons := map[string]store.Reason{
		"dead@x.example": store.ReasonBounced, "stopped@x.example": store.ReasonManual, "left@x.example": store.ReasonUnsubscribedAll,
		"a b@x.example": store.ReasonManual, "help@offramp.example": store.ReasonManual, "odd@x.example": "a reason of a later release",
	}
	r := reasons[a.Key()]
	return store.Verdict{Drop: r != "", Reason: r}, p.err
}

func server(p *people) *Server {
	return &Server{
		Verdicts: p, Stats: new(Stats), Trusted: func(a netip.Addr) bool { return a.IsLoopback() },
		Owns: func(a envelope.Address) bool { return a.Domain() == "offramp.example" },
	}
}

// ask is a request as Postfix 3.7 sends it, with some attributes changed.
func ask(recipient string, more ...string) string {
	attributes := []string{
		"request=smtpd_access_policy", "protocol_state=RCPT", "protocol_name=ESMTP", "client_address=192.0.2.9", "client_name=shop.example",
		"client_port=41234", "reverse_client_name=shop.example", "server_address=192.0.2.1", "server_port=25", "helo_name=shop.example",
		"sender=news@shop.example", "recipient=" + recipient, "recipient_count=0", "queue_id=", "instance=5b2.6560f1c3.1a2b3.0", "size=0",
		"etrn_domain=", "stress=", "sasl_method=", "sasl_username=", "sasl_sender=", "ccert_subject=", "ccert_issuer=", "ccert_fingerprint=",
		"ccert_pubkey_fingerprint=", "encryption_protocol=", "encryption_cipher=", "encryption_keysize=0", "policy_context=",
	}
	return strings.Join(append(attributes, more...), "\n") + "\n\n"
}

// talk sends text over a connection and returns everything that is answered.
func talk(t *testing.T, s *Server, text string) string {
	t.Helper()
	client, ours := net.Pipe()
	done := make(chan struct{})
	go func() { defer close(done); s.converse(t.Context(), ours) }()
	go func() {
		for _, b := range []byte(text) { // as slow as can be
			if _, err := client.Write([]byte{b}); err != nil {
				return
			}
		}
	}()
	var got strings.Builder
	in := bufio.NewReader(client)
	for range strings.Count(text, "\n\n") + 1 {
		_ = client.SetReadDeadline(time.Now().Add(time.Second))
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v after %q", err, got.String())
		}
		end, _ := in.ReadString('\n')
		got.WriteString(line + end)
		if strings.Count(got.String(), "\n\n") == strings.Count(text, "\n\n") {
			break
		}
	}
	client.Close()
	<-done
	return got.String()
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct{ request, want string }{
		"nobody we know":             {ask("ada@x.example"), pass},
		"dead address":               {ask("dead@x.example"), dead},
		"dead address, other case":   {ask("DEAD@X.example"), dead},
		"stopped by hand":            {ask("stopped@x.example"), stopped},
		"left all lists":             {ask("left@x.example"), pass}, // promise 6: it may be a password reset
		"a reason not known":         {ask("odd@x.example"), pass},
		"our own address":            {ask("help@offramp.example"), pass},
		"a bounce":                   {ask("dead@x.example", "sender="), pass},
		"at DATA":                    {ask("dead@x.example", "protocol_state=DATA"), pass},
		"at VRFY":                    {ask("dead@x.example", "protocol_state=VRFY"), pass},
		"another kind":               {ask("dead@x.example", "request=junk_policy"), pass},
		"quotes taken off":           {ask("a b@x.example"), stopped},
		"not an address":             {ask("postmaster"), pass},
		"no recipient":               {ask(""), pass},
		"nothing at all":             {"\n", pass},
		"line ends of another world": {strings.ReplaceAll(ask("dead@x.example"), "\n", "\r\n"), dead},
		"an attribute with =":        {ask("dead@x.example", "ccert_subject=CN=a=b"), dead},
	} {
		p := &people{}
		text := c.request
		if name == "line ends of another world" {
			text = strings.TrimSuffix(text, "\r\n") + "\n\n" // talk counts empty lines
		}
		if name == "nothing at all" {
			text = "\n\n" // two requests without an attribute
		}
		got := talk(t, server(p), text)
		if first, _, _ := strings.Cut(got, "\n\n"); first != "action="+c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		for _, list := range p.lists {
			if list != "" {
				t.Errorf("%s: asked about the list %q", name, list)
			}
		}
	}
}

func TestOneConnectionManyRequests(t *testing.T) {
	s := server(&people{})
	want := "action=" + dead + "\n\naction=DUNNO\n\naction=" + stopped + "\n\n"
	if got := talk(t, s, ask("dead@x.example")+ask("ada@x.example")+ask("stopped@x.example")); got != want {
		t.Errorf("%q", got)
	}
	if s.Stats.Stopped.Load() != 2 || s.Stats.Passed.Load() != 1 || s.Stats.Connections.Load() != 1 || s.Stats.Open.Load() != 0 {
		t.Errorf("%d refused, %d passed", s.Stats.Stopped.Load(), s.Stats.Passed.Load())
	}
}

// Without an answer of the store, or after a bug, nobody is refused for good, and
// the connection goes on.
func TestInDoubt(t *testing.T) {
	for setting, want := range map[string]string{"": pass, InDoubtPass: pass, InDoubtDefer: unsure} {
		for name, p := range map[string]*people{"store away": {err: store.ErrUnavailable}, "damaged": {err: store.ErrUncertain}, "bug": {panic: true}} {
			s := server(p)
			s.Config.InDoubt = setting
			if got := talk(t, s, ask("dead@x.example")+ask("ada@x.example")); got != strings.Repeat("action="+want+"\n\n", 2) {
				t.Errorf("%s, %q: %q", name, setting, got)
			}
			if s.Stats.InDoubt.Load() != 2 || p.panic != (s.Stats.Panics.Load() == 2) {
				t.Errorf("%s: %d in doubt, %d panics", name, s.Stats.InDoubt.Load(), s.Stats.Panics.Load())
			}
		}
	}
}

func TestMalformed(t *testing.T) {
	for name, text := range map[string]string{
		"a line without end":   strings.Repeat("x", maxLine+1),
		"a long line":          "sender=" + strings.Repeat("x", maxLine) + "\n\n",
		"no end of lines":      strings.Repeat("a=b\n", maxLines+1),
		"another protocol":     "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"broken off":           "",
		"broken off in a line": "request=smtpd",
	} {
		s := server(&people{})
		client, ours := net.Pipe()
		go func() {
			_, _ = client.Write([]byte(text))
			if strings.HasPrefix(name, "broken") {
				client.Close()
			}
		}()
		s.converse(t.Context(), ours)
		if got := s.Stats.Malformed.Load(); (got == 1) == strings.HasPrefix(name, "broken") {
			t.Errorf("%s: %d malformed", name, got)
		}
		client.Close()
	}
}

// Who says nothing for long, or stops in a request, is cut off.
func TestSilence(t *testing.T) {
	for text, want := range map[string]time.Duration{"": idleTimeout, "request=smtpd_access": requestTimeout, ask("ada@x.example"): idleTimeout} {
		synctest.Test(t, func(t *testing.T) {
			client, ours := net.Pipe()
			defer client.Close()
			go func() {
				_, _ = client.Write([]byte(text))
				_, _ = io.Copy(io.Discard, client)
			}()
			began := time.Now()
			server(&people{}).converse(t.Context(), ours)
			if took := time.Since(began); took != want {
				t.Errorf("%q: ended after %v, want %v", text, took, want)
			}
		})
	}
}

// A store that hangs does not hold Postfix up for longer than it waits.
func TestSlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if got := server(&people{wait: make(chan struct{}), asked: make(chan struct{}, 1)}).answer(t.Context(), request{kind: "smtpd_access_policy", state: "RCPT", sender: "a@b.example", recipient: "dead@x.example"}); got != pass || time.Since(began) != verdictTimeout {
			t.Errorf("%q after %v", got, time.Since(began))
		}
	})
}

// serve runs s on a listener until the test ends, or until stop.
func serve(t *testing.T, s *Server, network, addr string) (l net.Listener, stop func() error) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return l, stop
}

// reply is what a request over c is answered.
func reply(c net.Conn, text string) string {
	if _, err := c.Write([]byte(text)); err != nil {
		return err.Error()
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(line)
}

func dial(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestWhoMayAsk(t *testing.T) {
	for name, c := range map[string]struct {
		network, addr string
		trusted       bool
		want          string
	}{
		"trusted":     {"tcp", "127.0.0.1:0", true, "action=" + dead},
		"stranger":    {"tcp", "127.0.0.1:0", false, ""},
		"unix socket": {"unix", filepath.Join(t.TempDir(), "policy"), false, "action=" + dead},
	} {
		s := server(&people{})
		s.Trusted = func(netip.Addr) bool { return c.trusted }
		l, _ := serve(t, s, c.network, c.addr)
		got := reply(dial(t, l), ask("dead@x.example"))
		if c.want == "" && (strings.HasPrefix(got, "action") || s.Stats.Refused.Load() != 1) || c.want != "" && got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Over the limit a connection is closed at once; a place that gets free is given
// again.
func TestConnectionsAreBounded(t *testing.T) {
	s := server(&people{})
	s.Config.Connections = 3
	l, _ := serve(t, s, "tcp", "127.0.0.1:0")
	var held []net.Conn
	for range 3 {
		c := dial(t, l)
		if got := reply(c, ask("ada@x.example")); got != "action=DUNNO" {
			t.Fatal(got)
		}
		held = append(held, c)
	}
	if got := reply(dial(t, l), ask("ada@x.example")); strings.HasPrefix(got, "action") || s.Stats.Refused.Load() != 1 {
		t.Errorf("one more: %q", got)
	}
	held[0].Close()
	for deadline := time.Now().Add(5 * time.Second); reply(dial(t, l), ask("ada@x.example")) != "action=DUNNO"; {
		if time.Now().After(deadline) {
			t.Fatal("the place was not given again")
		}
	}
}

// A stop ends connections that wait, and lets an answer go out first.
func TestStop(t *testing.T) {
	p := &people{wait: make(chan struct{}), asked: make(chan struct{}, 1)}
	s := server(p)
	l, stop := serve(t, s, "tcp", "127.0.0.1:0")
	idle, busy := dial(t, l), dial(t, l)
	got := make(chan string, 1)
	go func() { got <- reply(busy, ask("dead@x.example")) }()
	<-p.asked
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	if _, err := bufio.NewReader(idle).ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the idle connection: %v", err)
	}
	close(p.wait)
	if answer := <-got; answer != "action="+dead {
		t.Errorf("the busy one: %q", answer)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, ""}, {Config{Addr: "127.0.0.1:10040", InDoubt: "defer", Connections: 10}, ""}, {Config{Addr: "unix:/run/x"}, ""},
		{Config{Addr: "unix:run/x"}, "OFFRAMP_POLICY_ADDR"}, {Config{Addr: "10040"}, "OFFRAMP_POLICY_ADDR"},
		{Config{InDoubt: "reject"}, "OFFRAMP_POLICY_IN_DOUBT"}, {Config{Connections: -1}, "OFFRAMP_POLICY_CONNECTIONS"},
	} {
		err := c.config.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.config, err)
		}
	}
}

// Whatever is sent, a request is small, and what has the form of one is read as it
// stands.
func FuzzReadRequest(f *testing.F) {
	f.Add(ask("dead@x.example"))
	f.Add("a=b\r\n\r\n")
	f.Add("\n")
	f.Add("recipient=x\nrecipient=y\n\n")
	f.Add(strings.Repeat("a=b\n", maxLines+1))
	f.Fuzz(func(t *testing.T, text string) {
		in := bufio.NewReaderSize(strings.NewReader(text), maxLine)
		r, err := readRequest(in)
		if err != nil {
			if r != (request{}) {
				t.Errorf("%v with %+v", err, r)
			}
			return
		}
		for _, value := range []string{r.kind, r.state, r.sender, r.recipient, r.queueID} {
			if strings.Contains(value, "\n") || len(value) > maxLine {
				t.Errorf("value %q", value)
			}
		}
		again := fmt.Sprintf("request=%s\nprotocol_state=%s\nsender=%s\nrecipient=%s\nqueue_id=%s\n\n", r.kind, r.state, r.sender, r.recipient, r.queueID)
		if strings.Contains(again, "\r\n") {
			return // a CR at the end of a value is taken for the line's
		}
		if got, err := readRequest(bufio.NewReaderSize(strings.NewReader(again), maxLine)); err != nil || got != r {
			t.Errorf("%+v read again: %+v, %v", r, got, err)
		}
	})
}
