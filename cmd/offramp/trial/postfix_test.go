package trial

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// postfix is one Postfix instance of its own: configuration, queue and port.
type postfix struct {
	t       *testing.T
	dir     string
	addr    string
	reloads int // that recipes asked for
}

// needs fails or skips a test whose peer is not installed.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		path := "/usr/sbin/" + p
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if _, err := exec.LookPath(p); err == nil {
			continue
		}
		lacking(t, p)
	}
}

// lacking fails or skips a test because of a peer.
func lacking(t *testing.T, peer string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", peer)
	}
	t.Skipf("left out: %s is not installed", peer)
}

// startPostfix runs an instance that hands everything to relayhost.
func startPostfix(t *testing.T, relayhost string, settings ...string) *postfix {
	t.Helper()
	needs(t, "postfix")
	if os.Getuid() != 0 {
		t.Skip("left out: Postfix needs root")
	}
	// Postfix's own users must be able to reach the folder.
	dir, err := os.MkdirTemp("", "offramp-postfix-")
	if err != nil {
		t.Fatal(err)
	}
	p := &postfix{t: t, dir: dir, addr: freeAddr(t)}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, d := range []string{"etc", "spool", "data"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	must(t, os.Chmod(dir, 0o755))
	p.command("chown", "postfix", filepath.Join(dir, "data"))
	main := []string{
		"compatibility_level = 3.6", "queue_directory = " + dir + "/spool", "data_directory = " + dir + "/data",
		"mail_owner = postfix", "setgid_group = postdrop", "myhostname = " + filepath.Base(dir) + ".example", "mydestination =",
		"local_recipient_maps =", "alias_maps =", "alias_database =", "mynetworks = 127.0.0.0/8", "inet_interfaces = 127.0.0.1",
		"inet_protocols = ipv4", "smtpd_relay_restrictions = permit_mynetworks, reject", "relayhost = " + relayhost,
		"default_process_limit = 60", "biff = no", "append_dot_mydomain = no",
		"maillog_file = " + dir + "/mail.log", "maillog_file_prefixes = " + dir,
		"minimal_backoff_time = 2s", "queue_run_delay = 2s",
	}
	must(t, os.WriteFile(dir+"/etc/main.cf", []byte(mainCF(append(main, settings...))), 0o644))
	must(t, os.WriteFile(dir+"/etc/master.cf", []byte(masterCF(t, p.addr)), 0o644))
	if maps, err := os.ReadFile("/etc/postfix/dynamicmaps.cf"); err == nil {
		must(t, os.WriteFile(dir+"/etc/dynamicmaps.cf", maps, 0o644))
	}
	p.command("postfix", "-c", dir+"/etc", "start")
	t.Cleanup(p.stop)
	if err := poll(20*time.Second, func() error {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			return err
		}
		return c.Close()
	}); err != nil {
		log, _ := os.ReadFile(dir + "/mail.log")
		t.Fatalf("Postfix did not start: %v\n%s", err, log)
	}
	return p
}

// mainCF keeps the last of several settings of one name. Each one that is
// overridden would be a line of log before the log daemon runs, and a handful of
// them keep Postfix from starting.
func mainCF(settings []string) string {
	var out strings.Builder
	for i, s := range settings {
		name, _, _ := strings.Cut(s, "=")
		later := slices.ContainsFunc(settings[i+1:], func(o string) bool {
			other, _, _ := strings.Cut(o, "=")
			return strings.TrimSpace(other) == strings.TrimSpace(name)
		})
		if !later {
			out.WriteString(s + "\n")
		}
	}
	return out.String()
}

// stop ends the instance, by its pid where it does not end when told.
func (p *postfix) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := exec.CommandContext(ctx, "/usr/sbin/postfix", "-c", p.dir+"/etc", "stop").Run(); err == nil {
		return
	}
	pid, err := os.ReadFile(p.dir + "/spool/pid/master.pid")
	if err != nil {
		return
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil && n > 1 {
		syscall.Kill(n, syscall.SIGKILL)
	}
}

// masterCF is Debian's own, with our port and without the chroot.
func masterCF(t *testing.T, addr string) string {
	t.Helper()
	dist, err := os.ReadFile("/usr/share/postfix/master.cf.dist")
	must(t, err)
	var out strings.Builder
	for line := range strings.Lines(string(dist)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) >= 8 && line[0] != ' ' {
			if f[0] == "smtp" && f[1] == "inet" {
				f[0] = addr
			}
			f[4] = "n"
			line = strings.Join(f, " ") + "\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

func (p *postfix) command(name string, args ...string) {
	p.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin")
	if path := "/usr/sbin/" + name; cmd.Err != nil {
		cmd = exec.Command(path, args...)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func bracketed(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	return "[" + host + "]:" + port
}

// Postfix in front and behind, plain and TLS: all arrive once, each with its
// own token, and both foreign verifiers accept every signature.
func TestTorturePostfixOnBothSides(t *testing.T) {
	s, err := sink.Start(sink.Options{Extensions: []string{"8BITMIME", "SMTPUTF8"}})
	must(t, err)
	defer s.Close()
	cert, key := certFiles(t)
	behind := startPostfix(t, bracketed(s.Addr()), "smtpd_tls_security_level = may",
		"smtpd_tls_cert_file = "+cert, "smtpd_tls_key_file = "+key)
	p := setup(t, "smtp://"+behind.addr, "SMTP_TLS_CERT_FILE="+cert, "SMTP_TLS_KEY_FILE="+key)
	p.env["DKIM_KEYS"] = "trial.example:rsa:" + p.rsaKey + ",trial.example:ed:" + p.edKey
	p.start()
	plain := startPostfix(t, bracketed(p.smtp))
	encrypted := startPostfix(t, bracketed(p.smtp), "smtp_tls_security_level = encrypt")
	l := newLedger()
	total := scale(60, 1000)
	for i := range total {
		front := plain
		if i%2 == 1 {
			front = encrypted
		}
		c, err := dial(front.addr)
		must(t, err)
		id, to, data := l.message(1+i*7%50%scale(8, 50), 2000)
		must(t, c.send("news@trial.example", to, data))
		l.ack(id)
		c.close()
	}
	recipients := l.acked()
	s.Wait(recipients, time.Now().Add(time.Duration(scale(60, 600))*time.Second))
	messages := s.Messages()
	o := l.audit(messages)
	o.wantWhole(t)
	if o.duplicates > 0 {
		t.Errorf("%d duplicates", o.duplicates)
	}
	tokens := make(map[string]bool)
	viaTLS := 0
	for _, m := range messages {
		url := unsubscribeURL(m.Data)
		if url == "" || tokens[url] {
			t.Errorf("copy for %v has no token of its own: %q", m.Recipients, url)
		}
		tokens[url] = true
		if strings.Contains(field(m.Data, "Received"), "ESMTPS") || strings.Contains(string(m.Data), "with ESMTPS") {
			viaTLS++
		}
	}
	t.Logf("%d messages, %d copies, %d tokens, %d by TLS", total, len(messages), len(tokens), viaTLS)
	verifySignatures(t, p, messages)
}

// verifySignatures has dkimpy and Mail::DKIM look at every copy.
func verifySignatures(t *testing.T, p *process, messages []sink.Message, domains ...string) {
	t.Helper()
	needs(t, "python3", "perl")
	dir := t.TempDir()
	for i, m := range messages {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.eml", i)), m.Data, 0o600))
	}
	records := filepath.Join(t.TempDir(), "records")
	var all strings.Builder
	for _, domain := range append(domains, "trial.example") {
		out, code := p.run("dns", domain, "--format", "json")
		if code != 0 && domain == "trial.example" {
			t.Fatalf("offramp dns: exit %d", code)
		}
		all.WriteString(out)
	}
	must(t, os.WriteFile(records, []byte(all.String()), 0o600))
	for _, v := range [][]string{
		{"/usr/bin/python3", "testdata/verify.py", records, dir},
		{"perl", "testdata/verify.pl", records, dir},
	} {
		out, err := exec.Command(v[0], v[1:]...).CombinedOutput()
		t.Logf("%s: %s", v[1], strings.TrimSpace(lastLine(string(out))))
		if err != nil {
			t.Errorf("%s: %v\n%.2000s", v[1], err, out)
		}
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
