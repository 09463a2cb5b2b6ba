package trial

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

const password = "correct horse battery staple"

// withLogin is a process that nobody may relay through but by the login shop.
func withLogin(t *testing.T, nextHop string, extra ...string) *process {
	t.Helper()
	p := setup(t, nextHop, append([]string{"TRUSTED_NETWORKS=none"}, extra...)...)
	made := exec.Command(program, "keygen", "smtp-user", "shop")
	made.Stdin = strings.NewReader(password + "\n")
	entry, err := made.Output()
	must(t, err)
	p.env["SMTP_USERS"] = strings.TrimSpace(string(entry))
	return p
}

const loginLetter = "From: News <news@trial.example>\nTo: ada@dest.example\nSubject: Hello\nList-Id: <news.trial.example>\n\nHello\n"

// Applications on this machine log in without TLS over loopback, by each client
// that is at hand; from anywhere else, and with the setting off, nobody does.
func TestLoginsInClear(t *testing.T) {
	needs(t, "swaks", "msmtp")
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	own := ownAddress(t)
	_, port, _ := strings.Cut(freeAddr(t), ":")
	p := withLogin(t, "smtp://"+s.Addr(), "SMTP_ADDR=:"+port)
	p.smtp = "127.0.0.1:" + port
	p.start()
	tries := []loginTry{
		{"swaks PLAIN", func() (string, error) { return swaksIn(p.smtp, "PLAIN", password) }, true},
		{"swaks LOGIN", func() (string, error) { return swaksIn(p.smtp, "LOGIN", password) }, true},
		{"swaks, wrong password", func() (string, error) { return swaksIn(p.smtp, "PLAIN", "wrong") }, false},
		{"msmtp PLAIN", func() (string, error) { return msmtp(t, p.smtp, "auth plain", "tls off") }, true},
		{"msmtp LOGIN", func() (string, error) { return msmtp(t, p.smtp, "auth login", "tls off") }, true},
		{"msmtp, IPv6", func() (string, error) { return msmtp(t, "[::1]:"+port, "auth plain", "tls off") }, hasIPv6()},
	}
	outside := net.JoinHostPort(own, port)
	if own == "" {
		t.Log("left out: logins from another address than loopback, which this machine does not have")
	} else {
		tries = append(tries,
			loginTry{"swaks, the machine's own address", func() (string, error) { return swaksIn(outside, "PLAIN", password) }, false},
			loginTry{"msmtp, the machine's own address", func() (string, error) { return msmtp(t, outside, "auth plain", "tls off") }, false})
	}
	sent := takenOf(t, tries)
	if got := s.Wait(sent, time.Now().Add(20*time.Second)); len(got) != sent {
		t.Errorf("%d messages, want %d\n%s", len(got), sent, p.log)
	}
	if log := p.log.String(); !strings.Contains(log, `msg="login failed" login=shop ip=127.0.0.1`) || strings.Contains(log, "wrong") {
		t.Errorf("the log of a failed login:\n%s", log)
	}
	if own == "" {
		return
	}
	// AUTH all the same: the reply says what to do.
	c, err := dial(outside)
	must(t, err)
	defer c.close()
	reply, err := c.command("AUTH PLAIN AHNob3AAeA==")
	if err != nil || !strings.HasPrefix(reply, "523 5.7.10 login needs TLS, and this server has no certificate; without TLS log in from the same machine") {
		t.Errorf("%q, %v", reply, err)
	}
}

// A certificate of init --tls-self-signed is what clients of a private network
// verify with: swaks (OpenSSL), msmtp (GnuTLS) and Postfix with a login.
func TestSelfSignedCertificate(t *testing.T) {
	needs(t, "swaks", "msmtp")
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := withLogin(t, "smtp://"+s.Addr(), "SMTP_AUTH_LOOPBACK=false")
	must(t, os.MkdirAll(p.env["DATA_DIR"], 0o700))
	must(t, os.WriteFile(filepath.Join(p.dir, ".env"), []byte("OFFRAMP_DATA_DIR="+p.env["DATA_DIR"]+"\n"), 0o600))
	made := exec.Command(program, "init", "--tls-self-signed", "mail.lan")
	made.Dir = p.dir
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cert := filepath.Join(p.env["DATA_DIR"], "smtp-cert.pem")
	p.env["SMTP_TLS_CERT_FILE"], p.env["SMTP_TLS_KEY_FILE"] = cert, filepath.Join(p.env["DATA_DIR"], "smtp-key.pem")
	p.start()
	foreign, _ := certFiles(t)
	sent := takenOf(t, []loginTry{
		{"swaks", func() (string, error) {
			return swaksIn(p.smtp, "PLAIN", password, "--tls", "--tls-verify", "--tls-ca-path", cert)
		}, true},
		{"swaks with another CA", func() (string, error) {
			return swaksIn(p.smtp, "PLAIN", password, "--tls", "--tls-verify", "--tls-ca-path", foreign)
		}, false},
		{"msmtp", func() (string, error) {
			return msmtp(t, p.smtp, "auth plain", "tls on", "tls_starttls on", "tls_trust_file "+cert)
		}, true},
		{"msmtp with another CA", func() (string, error) {
			return msmtp(t, p.smtp, "auth plain", "tls on", "tls_starttls on", "tls_trust_file "+foreign)
		}, false},
	})
	if got := s.Wait(sent, time.Now().Add(30*time.Second)); len(got) != sent {
		t.Errorf("%d messages, want %d\n%s", len(got), sent, p.log)
	}
	t.Run("Postfix", func(t *testing.T) {
		postfixLogsIn(t, p, cert)
		if got := s.Wait(sent+1, time.Now().Add(30*time.Second)); len(got) != sent+1 {
			t.Errorf("%d messages, want %d\n%s", len(got), sent+1, p.log)
		}
	})
	// The page has no part in it.
	if resp, err := http1(p.http); err != nil || resp != "HTTP/1.1" {
		t.Errorf("the page answers %q, %v", resp, err)
	}
}

// loginTry is a client that logs in and sends one message.
type loginTry struct {
	name  string
	send  func() (string, error)
	taken bool
}

// takenOf runs the clients and counts whose message was taken.
func takenOf(t *testing.T, tries []loginTry) int {
	t.Helper()
	n := 0
	for _, try := range tries {
		out, err := try.send()
		if taken := err == nil; taken != try.taken {
			t.Errorf("%s: taken %v, want %v\n%s", try.name, taken, try.taken, out)
		}
		if err == nil {
			n++
		}
	}
	return n
}

// postfixLogsIn sends one message by a Postfix that verifies the certificate and
// logs in.
func postfixLogsIn(t *testing.T, p *process, cert string) {
	t.Helper()
	needs(t, "postfix")
	if os.Getuid() != 0 {
		t.Skip("left out: Postfix needs root")
	}
	open, err := os.MkdirTemp("", "offramp-login-") // Postfix's users read it
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(open) })
	must(t, os.Chmod(open, 0o755))
	pem, err := os.ReadFile(cert)
	must(t, err)
	hop := bracketed(p.smtp)
	must(t, os.WriteFile(open+"/ca.pem", pem, 0o644))
	must(t, os.WriteFile(open+"/login", []byte(hop+" shop:"+password+"\n"), 0o644))
	front := startPostfix(t, hop, "smtp_tls_security_level = secure", "smtp_tls_CAfile = "+open+"/ca.pem", "smtp_tls_secure_cert_match = mail.lan",
		"smtp_sasl_auth_enable = yes", "smtp_sasl_password_maps = texthash:"+open+"/login", "smtp_sasl_tls_security_options = noanonymous")
	c, err := dial(front.addr)
	must(t, err)
	defer c.close()
	must(t, c.send("news@trial.example", []string{"ada@dest.example"}, []byte(strings.ReplaceAll(loginLetter, "\n", "\r\n"))))
}

// swaksIn submits with a login in the manner of an application.
func swaksIn(addr, mechanism, secret string, more ...string) (string, error) {
	host, port, _ := net.SplitHostPort(addr)
	args := []string{"--server", host, "--port", port, "--from", "news@trial.example", "--to", "ada@dest.example", "--header", "List-Id: <news.trial.example>",
		"--timeout", "20s", "--auth", mechanism, "--auth-user", "shop", "--auth-password", secret}
	out, err := exec.Command("swaks", append(args, more...)...).CombinedOutput()
	return string(out), err
}

func msmtp(t *testing.T, addr string, settings ...string) (string, error) {
	t.Helper()
	host, port, _ := net.SplitHostPort(addr)
	file := filepath.Join(t.TempDir(), "msmtprc")
	lines := append([]string{"account default", "host " + host, "port " + port, "from news@trial.example", "user shop", "password " + password, "timeout 20"}, settings...)
	must(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	cmd := exec.Command("msmtp", "-C", file, "ada@dest.example")
	cmd.Stdin = strings.NewReader(loginLetter)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// ownAddress is an address of this machine that is not loopback, or empty.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	must(t, err)
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	return ""
}

func hasIPv6() bool {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// http1 says what a request in clear is answered with.
func http1(addr string) (string, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	buf := make([]byte, 8)
	_, err = c.Read(buf)
	return string(buf), err
}
