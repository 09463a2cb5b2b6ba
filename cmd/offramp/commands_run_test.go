package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"offramp/gateway/sink"
)

// notRun are the lines of the documents that the test does not run, by what they
// contain, and why. They are parsed all the same.
var notRun = []struct{ holds, why string }{
	{"make ", "builds the whole tree"},
	{"sudo ", "changes the machine"},
	{"postconf ", "changes Postfix; the trials run the recipes"},
	{"--postfix", "needs a Postfix; the trials run it"},
	{"swaks ", "a peer that is tested in the trials"},
	{" serve", "the test has started it"},
	{"http://127.0.0.1:8081/", "a call of the API; gateway's test of docs/api.md makes them"},
}

// endings are the codes of those that do not end with 0 here, and why.
var endings = map[string]struct {
	codes []int
	why   string
}{
	"offramp --env-file .env dns example.com --check":    {[]int{exitFailed, exitTempFail}, "nothing is published for the domain of the documents"},
	"offramp --env-file .env check":                      {[]int{exitOK, exitFailed}, "its DNS and public address are not there"},
	"offramp recipient erase ada@example.net":            {[]int{exitUsage}, "it asks first, and there is no terminal here"},
	"offramp suppress import suppression_bounces.csv":    {[]int{exitUsage}, "it asks first, and there is no terminal here"},
	"offramp suppress import --resume ID":                {[]int{exitFailed}, "there is no import with this ID"},
	"offramp events ack crm 4711":                        {[]int{exitUsage}, "there is no event 4711 yet"},
	"offramp messages --to ada@example.net":              {[]int{exitOK, exitFailed}, "there may be no mail to her yet"},
	"offramp lint letter.eml":                            {[]int{exitOK, exitFailed}, "the letter has no List-Unsubscribe yet"},
	"offramp messages --message-id '<123@shop.example>'": {[]int{exitFailed}, "there is no such message here"},
	"offramp messages --queue-id 6b3brpr3hmsjn7g6":       {[]int{exitFailed}, "there is no such message here"},
}

// Every line of shell in the documents works as printed, in the order of the
// page, in a folder that was set up as the README says.
func TestPrintedCommandsRun(t *testing.T) {
	box := newSandbox(t)
	ran := 0
	for _, block := range shellBlocks(t) {
		if block.tried {
			continue // needs a Postfix or another program
		}
		for _, p := range block.lines {
			if ownPage(p.at) {
				continue
			}
			if slices.ContainsFunc(notRun, func(n struct{ holds, why string }) bool { return strings.Contains(p.line, n.holds) }) {
				continue
			}
			line := strings.TrimSpace(strings.SplitN(p.line, " #", 2)[0])
			out, code := box.sh(p.line)
			want := endings[line].codes
			if want == nil {
				want = []int{exitOK}
			}
			if !slices.Contains(want, code) {
				t.Errorf("%s: %s: exit code %d\n%s", p.at, p.line, code, out)
			}
			ran++
		}
	}
	if ran < 25 {
		t.Errorf("only %d lines were run", ran)
	}
}

// sandbox is a folder with settings, a running server and the files that the
// documents speak of.
type sandbox struct {
	t   *testing.T
	dir string
	env []string
	// stop ends the server; it does nothing where none runs.
	stop func()
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	s, err := sink.Start(sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	smtpAddr, admin := freeAddr(t), freeAddr(t)
	box := &sandbox{t: t, dir: t.TempDir(), env: append(os.Environ(), "GORACE=atexit_sleep_ms=10",
		"OFFRAMP_SMTP_ADDR="+smtpAddr, "OFFRAMP_HTTP_ADDR="+freeAddr(t), "OFFRAMP_ADMIN_ADDR="+admin, "OFFRAMP_NEXT_HOP=smtp://"+s.Addr(), "OFFRAMP_DATA_DIR=data")}
	box.must(`offramp init example.com --offline --operator "Example Ltd" --newsletter "news@example.com=Weekly news"`)
	box.serve(admin)
	letter := "From: News <news@example.com>\r\nTo: ada@example.net\r\nSubject: The letter\r\nMessage-ID: <1@example.com>\r\nDate: Sat, 28 Nov 2026 10:00:00 +0000\r\nList-Id: The letter <letter.example.org>\r\n\r\nHello\r\n"
	for name, text := range map[string]string{
		"letter.eml": letter, "newsletter.eml": letter, "reset.eml": strings.ReplaceAll(letter, "List-Id: The letter <letter.example.org>\r\n", ""),
		"suppression_bounces.csv": "status,reason,email,created\n5.1.1,no such user,gone@example.net,1719913285\n",
		"unsubscribed.csv":        "email,created\nada@example.net,1719913285\n",
		"bounce.eml":              letter, "Maildir/new/1": letter, "Maildir/cur/.keep": "", "Maildir/tmp/.keep": "",
	} {
		path := filepath.Join(box.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	box.send(smtpAddr, letter, "ada@example.net")
	for _, list := range []string{"letter.example.org", "weekly.example.com", "partners.example.org", "receipts.example.org"} {
		box.must("offramp lists add " + list)
	}
	box.must("offramp recipient choose ada@example.net --list letter.example.org --state unsubscribed")
	box.must("offramp suppress add ada@example.net --note asked")
	box.must("offramp receipt ada@example.net > receipt.txt")
	return box
}

func (b *sandbox) send(addr, letter, to string) {
	b.t.Helper()
	client, err := smtp.Dial(addr)
	if err != nil {
		b.t.Fatal(err)
	}
	defer client.Close()
	if err := client.SendMail("news@example.com", []string{to}, strings.NewReader(letter)); err != nil {
		b.t.Fatal(err)
	}
}

// sh runs a line with a shell in the folder, which is the home too.
func (b *sandbox) sh(line string) (out string, code int) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir = b.dir
	cmd.Env = append(slices.Clone(b.env), "HOME="+b.dir)
	raw, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		b.t.Fatalf("%s: %v", line, err)
	}
	return string(raw), cmd.ProcessState.ExitCode()
}

func (b *sandbox) must(line string) string {
	b.t.Helper()
	out, code := b.sh(line)
	if code != exitOK {
		b.t.Fatalf("%s: exit code %d\n%s", line, code, out)
	}
	return out
}

// serve runs the server, as printed, until the test ends.
func (b *sandbox) serve(admin string) {
	b.t.Helper()
	cmd := exec.Command("offramp", "--env-file", ".env", "serve")
	cmd.Dir, cmd.Env = b.dir, b.env
	log, err := os.Create(filepath.Join(b.dir, "serve.log"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.stop = sync.OnceFunc(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	b.t.Cleanup(b.stop)
	if err := awaitReady(b.t.Context(), admin); err != nil {
		text, _ := os.ReadFile(log.Name())
		b.t.Fatalf("%v:\n%s", err, text)
	}
}
