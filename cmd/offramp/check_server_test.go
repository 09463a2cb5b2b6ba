package main

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
)

// Only the server of this data folder counts as running.
func TestAnotherServerAnswers(t *testing.T) {
	a, out, messages := newApp(t, "")
	if code := a.run([]string{"init", "example.org", "--offline", "--next-hop", "mx", "--operator", "Example"}); code != exitOK {
		t.Fatalf("%d\n%s", code, messages)
	}
	s := &settings{DataDir: "data"}
	s.Gateway.Hostname = "offramp.example.org"
	ours, err := s.receipts()
	if err != nil {
		t.Fatal(err)
	}
	s.Gateway.Hostname = "renamed.example.org"
	renamed, err := s.receipts()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("data/offramp.db", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"ours", `{"key":"` + ours.Verifier() + `"}`, 200, "ok   server"},
		{"ours, with a new public URL", `{"key":"` + renamed.Verifier() + `"}`, 200, "ok   server"},
		{"another Offramp", `{"key":"offramp.example.org+00000000+AYf6qw"}`, 200, "another ledger key than that of data"},
		{"another token", `{"title":"Unauthorized","status":401}`, 401, "refuses the OFFRAMP_ADMIN_TOKEN"},
		{"web server", "ok", 200, "answers 200, and not as Offramp does"},
		{"web server without the file", "<h1>Not found</h1>", 404, "answers 404, and not as Offramp does"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(c.status)
			w.Write([]byte(c.body))
		}))
		a.env = map[string]string{"OFFRAMP_ADMIN_ADDR": server.Listener.Addr().String(), "OFFRAMP_SMTP_ADDR": "127.0.0.1:0", "OFFRAMP_HTTP_ADDR": "127.0.0.1:0"}
		out.Reset()
		code := a.run([]string{"--env-file", ".env", "check", "--offline"})
		server.Close()
		if failed := strings.Contains(out.String(), "fail server       another server answers on"); !strings.Contains(out.String(), c.want) || failed == strings.HasPrefix(c.want, "ok") || failed && code != exitFailed {
			t.Errorf("%s: exit code %d, want %q in\n%s", c.name, code, c.want, out)
		}
	}
}

// A port that only root may have is not one that something else has.
func TestCannotListen(t *testing.T) {
	for cause, want := range map[error]string{syscall.EACCES: "setcap cap_net_bind_service+ep ", syscall.EADDRINUSE: "ss -ltnp 'sport = :25'"} {
		err := &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", cause)}
		text, fix := cannotListen(":25", err)
		if !strings.HasPrefix(fix, want) || strings.Contains(text, "needs root") != errors.Is(cause, syscall.EACCES) {
			t.Errorf("%v: %s -> %s", cause, text, fix)
		}
		fixRuns(t, fix)
	}
}
