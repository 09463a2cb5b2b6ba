package trial

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"offramp/gateway/sink"
	"offramp/gateway/stream"
)

// cronMail is a letter as Debian's cron hands it to sendmail, with MAILFROM set in the crontab.
const cronMail = `From: root@trial.example
To: ada@dest.example
Subject: Cron <root@host> /usr/local/bin/backup
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit
X-Cron-Env: <SHELL=/bin/sh>
X-Cron-Env: <HOME=/root>
X-Cron-Env: <LOGNAME=root>

done
`

// cronArgs are the arguments it calls sendmail with.
var cronArgs = []string{"-FCronDaemon", "-i", "-B8BITMIME", "-oem", "ada@dest.example"}

// alertMail and listMail are what shell scripts write, some of them newsletters.
const (
	alertMail = "From: monit@trial.example\nTo: ada@dest.example\nSubject: disk full\nPrecedence: bulk\nAuto-Submitted: auto-generated\n\n/var: 99%\n"
	listMail  = "From: News <news@trial.example>\nTo: ada@dest.example\nSubject: weekly news\nList-Id: <weekly.trial.example>\n\nHello\n"
)

var mailerLetters = []mailKind{
	{"Cron <root@host>", stream.Exempt, stream.ByDefault, ""},
	{"disk full", stream.Exempt, stream.ByDefault, ""},
	{"weekly news", stream.Listed, stream.ByListID, "weekly.trial.example"},
}

func TestMsmtpInFront(t *testing.T) {
	needs(t, "msmtp")
	sender{letters: mailerLetters, leave: []string{"weekly news"}, send: func(t *testing.T, port string) {
		rc := filepath.Join(t.TempDir(), "msmtprc")
		must(t, os.WriteFile(rc, []byte("account default\nhost 127.0.0.1\nport "+port+"\ndomain host.trial.example\nauto_from on\nmaildomain trial.example\n"), 0o600))
		runSender(t, cronMail, "msmtp", append([]string{"-C", rc}, cronArgs...)...)
		for _, text := range []string{alertMail, listMail} {
			runSender(t, text, "msmtp", "-C", rc, "-t", "-i")
		}
	}}.trial(t)
}

func TestNullmailerInFront(t *testing.T) {
	sender{letters: mailerLetters, leave: []string{"weekly news"}, send: func(t *testing.T, port string) {
		nullmailer(t, "127.0.0.1 smtp --port="+port+"\n", cronMail, alertMail, listMail)
	}}.trial(t)
}

// nullmailer has its sendmail queue letters, and its daemon send them until the
// test ends.
func nullmailer(t *testing.T, remotes string, letters ...string) {
	t.Helper()
	files, dir := cached(t, "nullmailer"), t.TempDir()
	for _, d := range []string{"conf", "queue/queue", "queue/tmp", "queue/failed"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	for name, target := range map[string]string{"sbin": "usr/sbin", "bin": "usr/bin", "protocols": "usr/lib/nullmailer"} {
		must(t, os.Symlink(filepath.Join(files, target), filepath.Join(dir, name)))
	}
	must(t, os.WriteFile(filepath.Join(dir, "mailname"), []byte("host.trial.example\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "conf/remotes"), []byte(remotes), 0o644))
	must(t, syscall.Mkfifo(filepath.Join(dir, "queue/trigger"), 0o600))
	env := append(os.Environ(), "NULLMAILER_TEST_PREFIX="+dir)
	for _, text := range letters {
		args := []string{"-t", "-i"}
		if text == cronMail {
			args = cronArgs
		}
		runWith(t, env, text, filepath.Join(files, "usr/sbin/sendmail"), args...)
	}
	daemon := exec.Command(filepath.Join(files, "usr/sbin/nullmailer-send"))
	daemon.Env = env
	daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, daemon.Start())
	t.Cleanup(func() {
		daemon.Process.Kill()
		daemon.Wait()
	})
}

// A file with CRLF line ends through nullmailer, which adds its own CR: the
// message arrives whole, its lines that begin with a dot too.
func TestCRLFFileThroughNullmailer(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := startAuto(t, s)
	_, port, _ := strings.Cut(p.smtp, ":")
	nullmailer(t, "127.0.0.1 smtp --port="+port+"\n",
		"From: News <news@trial.example>\r\nTo: ada@dest.example\r\nSubject: from a file\r\nList-Id: <weekly.trial.example>\r\n\r\nfirst\r\n\r\n.dot\r\n..\r\nlast\r\n")
	got := string(bearing(t, p, s, "from a file", "ada@dest.example"))
	head, body, _ := strings.Cut(got, "\r\n\r\n")
	if body != "first\r\n\r\n.dot\r\n..\r\nlast\r\n" && body != "first\r\n\r\n.dot\r\n..\r\nlast\r\n\r\n" || !strings.Contains(head, "\r\nFrom: News <news@trial.example>\r\n") || !marked([]byte(got)) {
		t.Errorf("arrived as\n%q", got)
	}
}
