package trial

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// aerc is one person's mail program in a terminal of its own.
type aerc struct {
	t   *testing.T
	dir string // its home; opened is what its xdg-open was given, one URL a line
	env []string
}

// startAerc shows a folder that holds one letter as it was delivered, and
// sends by the server at outgoing. It returns when the subject is on screen.
func startAerc(t *testing.T, letter []byte, outgoing string) *aerc {
	t.Helper()
	dir := t.TempDir()
	a := &aerc{t: t, dir: dir, env: []string{
		"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + dir, "SHELL=/bin/sh", "LC_ALL=C.UTF-8",
		"XDG_CONFIG_HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CACHE_HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "TMUX_TMPDIR=" + dir,
	}}
	for _, d := range []string{"bin", "aerc", "mail/INBOX/cur", "mail/INBOX/new", "mail/INBOX/tmp"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o700))
	}
	for _, f := range []struct{ name, text string }{
		{"bin/xdg-open", "#!/bin/sh\nprintf '%s\\n' \"$1\" >>'" + dir + "/opened'\n"},
		{"mail/INBOX/cur/1.trial.example:2,S", string(letter)},
		{"aerc/accounts.conf", "[ada]\nsource = maildir://" + dir + "/mail\noutgoing = smtp+none://" + outgoing +
			"\ndefault = INBOX\nfrom = Ada <ada@dest.example>\n"},
		// The editor that ends at once leaves the letter as it was composed.
		{"aerc/aerc.conf", "[general]\npgp-provider = internal\n[compose]\neditor = true\n"},
		// A program that has ended stays on screen, for the report of a failure.
		{"tmux.conf", "set -g status off\nset -g remain-on-exit on\n"},
	} {
		must(t, os.WriteFile(filepath.Join(dir, f.name), []byte(f.text), 0o700))
	}
	must(t, os.Chmod(filepath.Join(dir, "aerc/accounts.conf"), 0o600)) // aerc insists
	// The screen is as wide as an opt-out address and a URL need.
	a.tmux("-f", filepath.Join(dir, "tmux.conf"), "new-session", "-d", "-x", "400", "-y", "30", "exec aerc")
	t.Cleanup(a.end)
	a.awaits(field(letter, "Subject"))
	return a
}

func (a *aerc) tmux(args ...string) string {
	a.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-L", "aerc"}, args...)...)
	cmd.Env = a.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		a.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// end returns when nothing writes to the folder any more.
func (a *aerc) end() {
	pid, err := strconv.Atoi(strings.TrimSpace(a.tmux("display-message", "-p", "#{pane_pid}")))
	must(a.t, err)
	if strings.TrimSpace(a.tmux("display-message", "-p", "#{pane_dead}")) != "1" {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	if err := poll(10*time.Second, func() error {
		if strings.TrimSpace(a.tmux("display-message", "-p", "#{pane_dead}")) != "1" {
			return fmt.Errorf("aerc still runs")
		}
		return nil
	}); err != nil {
		a.t.Error(err)
	}
	a.tmux("kill-server")
}

// awaits returns when all texts are on screen.
func (a *aerc) awaits(texts ...string) {
	a.t.Helper()
	var screen string
	if err := poll(10*time.Second, func() error {
		screen = a.tmux("capture-pane", "-p")
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return fmt.Errorf("aerc does not show %q", text)
			}
		}
		return nil
	}); err != nil {
		a.t.Fatalf("%v but\n%s", err, screen)
	}
}

// unsubscribe gives the command on the selected letter; its header offers two
// ways, in this order.
func (a *aerc) unsubscribe() {
	a.t.Helper()
	a.tmux("send-keys", ":unsubscribe", "Enter")
	a.awaits("Select method to unsubscribe", "[https]     [mailto]")
}

// opensURL returns what aerc hands to the web browser when the person takes
// the first way.
func (a *aerc) opensURL() string {
	a.t.Helper()
	a.unsubscribe()
	a.tmux("send-keys", "Enter")
	a.awaits("Do you want to open this link?", "[No]     [Yes]")
	a.tmux("send-keys", "Right", "Enter")
	var opened []byte
	if err := poll(10*time.Second, func() (err error) {
		if opened, err = os.ReadFile(filepath.Join(a.dir, "opened")); err == nil && !strings.HasSuffix(string(opened), "\n") {
			err = fmt.Errorf("half a line: %q", opened)
		}
		return err
	}); err != nil {
		a.t.Fatalf("aerc opens nothing: %v\n%s", err, a.tmux("capture-pane", "-p"))
	}
	return strings.TrimSuffix(string(opened), "\n")
}

// sendsMail takes the second way and sends what aerc composes, which must be
// to this address.
func (a *aerc) sendsMail(to string) {
	a.t.Helper()
	a.unsubscribe()
	a.tmux("send-keys", "Right", "Enter")
	a.awaits("Send this email?", "To: <"+to+">")
	a.tmux("send-keys", "y")
}

// A mail program that knows no one-click acts on the two URIs instead: the
// https one opens the person's page, which alone changes nothing, and the mail
// it composes for the mailto one opts out.
func TestOptOutByAerc(t *testing.T) {
	needs(t, "aerc", "tmux")
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	suppressed := func() string {
		out, _ := p.run("suppress", "list", "--json")
		return strings.TrimSpace(out)
	}
	letter := sendAndWait(t, p, s, "ada@dest.example").Data
	a := startAerc(t, letter, p.smtp)

	url := a.opensURL()
	if want := unsubscribeURL(letter); url != want || want == "" {
		t.Fatalf("aerc opens %q, want %q", url, want)
	}
	r, err := http.Get(strings.Replace(url, "https://u.trial.example", "http://"+p.http, 1))
	must(t, err)
	page, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	r.Body.Close()
	must(t, err)
	if r.StatusCode != http.StatusOK || !strings.Contains(string(page), "a•••@dest.example") || !strings.Contains(string(page), `<form method="post"`) {
		t.Errorf("not the person's page: %s\n%s", r.Status, page)
	}
	sendAndWait(t, p, s, "ben@dest.example", "ada@dest.example")
	if n, out := deliveriesTo(s, "ada@dest.example"), suppressed(); n != 2 || out != "" {
		t.Fatalf("ada only looked at the page and has %d messages, want 2; suppressed: %s", n, out)
	}

	a.sendsMail(mailtoAddress(letter))
	if err := poll(10*time.Second, func() error {
		if !strings.Contains(suppressed(), "ada@dest.example") {
			return fmt.Errorf("ada's mail did not opt her out")
		}
		return nil
	}); err != nil {
		t.Fatalf("%v\n%s\n%s", err, a.tmux("capture-pane", "-p"), p.log)
	}
	sendAndWait(t, p, s, "ben@dest.example", "ada@dest.example")
	if n := deliveriesTo(s, "ada@dest.example"); n != 2 {
		t.Errorf("ada opted out by aerc and has %d messages, want 2", n)
	}
}
