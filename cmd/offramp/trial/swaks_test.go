package trial

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// swaks submits as an application elsewhere does: nobody is trusted by
// address, so only a login under TLS relays, by PLAIN and by LOGIN. Loopback is
// switched off, as behind a proxy.
func TestSwaksSubmitsWithALogin(t *testing.T) {
	needs(t, "swaks", "perl")
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	cert, key := certFiles(t)
	p := setup(t, "smtp://"+s.Addr(), "SMTP_TLS_CERT_FILE="+cert, "SMTP_TLS_KEY_FILE="+key, "TRUSTED_NETWORKS=none", "SMTPS_ADDR="+freeAddr(t), "SMTP_AUTH_LOOPBACK=false")
	made := exec.Command(program, "keygen", "smtp-user", "shop")
	made.Stdin = strings.NewReader("correct horse battery staple\n")
	entry, err := made.Output()
	must(t, err)
	p.env["SMTP_USERS"] = strings.TrimSpace(string(entry))
	p.start()
	swaks := func(server string, args ...string) (string, error) {
		host, port, _ := strings.Cut(server, ":")
		out, err := exec.Command("swaks", append([]string{"--server", host, "--port", port, "--from", "news@trial.example",
			"--to", "ada@dest.example,ben@dest.example", "--header", "List-Id: <news.trial.example>", "--timeout", "20s"}, args...)...).CombinedOutput()
		return string(out), err
	}
	good := []string{"--auth-user", "shop", "--auth-password", "correct horse battery staple"}
	want := 0
	for _, try := range []struct {
		name   string
		server string
		args   []string
		taken  bool
	}{
		{"no login", p.smtp, nil, false},
		{"no login, TLS", p.smtp, []string{"--tls"}, false},
		{"login in clear", p.smtp, append([]string{"--auth", "PLAIN"}, good...), false},
		{"wrong password", p.smtp, []string{"--tls", "--auth", "PLAIN", "--auth-user", "shop", "--auth-password", "wrong"}, false},
		{"PLAIN", p.smtp, append([]string{"--tls", "--auth", "PLAIN"}, good...), true},
		{"LOGIN", p.smtp, append([]string{"--tls", "--auth", "LOGIN"}, good...), true},
		{"implicit TLS", p.env["SMTPS_ADDR"], append([]string{"--tls-on-connect", "--auth", "PLAIN"}, good...), true},
	} {
		out, err := swaks(try.server, try.args...)
		if taken := err == nil; taken != try.taken {
			t.Errorf("%s: taken %v, want %v\n%s", try.name, taken, try.taken, out)
		}
		if try.taken {
			want += 2
			if !strings.Contains(out, "queued as") {
				t.Errorf("%s: no queue id in\n%s", try.name, out)
			}
		}
	}
	messages := s.Wait(want, time.Now().Add(10*time.Second))
	if len(messages) != want {
		t.Fatalf("%d copies, want %d\n%s", len(messages), want, p.log)
	}
	owner := make(map[string]string)
	for _, m := range messages {
		url, to := unsubscribeURL(m.Data), m.Recipients[0]
		if url == "" || owner[url] != "" && owner[url] != to {
			t.Errorf("no URL of its own for %s: %q", to, url)
		}
		owner[url] = to
	}
}
