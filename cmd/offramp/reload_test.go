package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/record"
	"offramp/gateway/smtpd"
)

// reloading is a running server whose file of settings changes.
type reloading struct {
	*way
	file string
}

func newReloading(t *testing.T) *reloading {
	t.Helper()
	r := &reloading{way: newWay(t), file: filepath.Join(t.TempDir(), "offramp.env")}
	r.env["OFFRAMP_TRUSTED_NETWORKS"] = "127.0.0.0/8"
	r.write()
	server := r.reader(new(bytes.Buffer))
	t.Cleanup(r.serve(server))
	return r
}

// reader is a run of the program that takes its settings from the file.
func (r *reloading) reader(out *bytes.Buffer) *app {
	a := r.app(out, time.Now)
	a.env, a.envFile = map[string]string{}, r.file
	return a
}

func (r *reloading) write() {
	r.t.Helper()
	var lines []string
	for name, value := range r.env {
		lines = append(lines, name+"="+value)
	}
	succeeds(r.t, os.WriteFile(r.file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

// reload runs the command after settings were changed.
func (r *reloading) reload(set map[string]string) (done record.Reloaded, code int) {
	r.t.Helper()
	for name, value := range set {
		r.env["OFFRAMP_"+name] = value
	}
	r.write()
	var out bytes.Buffer
	code = r.reader(&out).run([]string{"config", "reload", "--json", "--env-file", r.file})
	if err := json.Unmarshal(out.Bytes(), &done); err != nil {
		r.t.Fatalf("exit code %d, %v:\n%s", code, err, out.String())
	}
	slices.Sort(done.Changed)
	slices.Sort(done.Restart)
	return done, code
}

// relays says whether a client on this machine may send without a login, and whether
// it is offered one.
func (r *reloading) relays() (open, login bool) {
	r.t.Helper()
	c, err := textproto.Dial("tcp", r.env["OFFRAMP_SMTP_ADDR"])
	succeeds(r.t, err)
	defer c.Close()
	_, _, err = c.ReadResponse(220)
	succeeds(r.t, err)
	for _, line := range []string{"EHLO client.example", "MAIL FROM:<a@shop.example>", "RCPT TO:<b@dest.example>"} {
		succeeds(r.t, c.PrintfLine("%s", line))
		code, text, _ := c.ReadResponse(0)
		login = login || strings.Contains(text, "AUTH PLAIN")
		open = code == 250
	}
	return open, login
}

// What can change does at once, what cannot is named each time, and an invalid setting
// changes nothing.
func TestReload(t *testing.T) {
	r := newReloading(t)
	if open, login := r.relays(); !open || login {
		t.Fatalf("at the start: relays %v, offers a login %v", open, login)
	}
	hash, err := smtpd.HashPassword("secret")
	succeeds(t, err)
	invalid := map[string]string{"TRUSTED_NETWORKS": "none", "SMTP_USERS": "app:" + hash, "LOG_LEVEL": "loud"}
	done, code := r.reload(invalid)
	if code != exitFailed || len(done.Errors) != 1 || !strings.Contains(done.Errors[0], "OFFRAMP_LOG_LEVEL") || len(done.Changed) > 0 {
		t.Errorf("an invalid setting: exit code %d, %+v", code, done)
	}
	if open, login := r.relays(); !open || login {
		t.Errorf("an invalid setting: relays %v, offers a login %v", open, login)
	}
	done, code = r.reload(map[string]string{"LOG_LEVEL": "warn", "HOSTNAME": "other.shop.example"})
	want := record.Reloaded{
		Source:  r.file,
		Changed: []string{"OFFRAMP_LOG_LEVEL", "OFFRAMP_SMTP_USERS", "OFFRAMP_TRUSTED_NETWORKS"},
		Restart: []string{"OFFRAMP_HOSTNAME"}, Files: []string{strings.SplitN(r.env["OFFRAMP_DKIM_KEYS"], ":", 3)[2]},
	}
	if d := cmp.Diff(want, done); d != "" || code != exitOK {
		t.Errorf("exit code %d, %s", code, d)
	}
	if open, login := r.relays(); open || !login {
		t.Errorf("afterwards: relays %v, offers a login %v", open, login)
	}
	done, _ = r.reload(nil)
	if d := cmp.Diff([]string{"OFFRAMP_HOSTNAME"}, done.Restart); d != "" || len(done.Changed) > 0 {
		t.Errorf("the second time: %+v", done)
	}
}

// A DKIM key that is replaced signs the next message, and a rule for streams counts
// for it.
func TestReloadKeysAndRules(t *testing.T) {
	r := newReloading(t)
	rules := filepath.Join(t.TempDir(), "rules")
	succeeds(t, os.WriteFile(rules, []byte("transactional from=send-test@shop.example\n"), 0o600))
	r.args = []string{"send-test", "--to", "you@dest.example", "--env-file", r.file}
	say := func() string {
		var out bytes.Buffer
		r.reader(&out).run(r.args)
		return out.String()
	}
	if text := say(); !strings.Contains(text, "(selector offramp)") {
		t.Fatal(text)
	}
	if done, code := r.reload(map[string]string{"DKIM_KEYS": strings.Replace(r.env["OFFRAMP_DKIM_KEYS"], ":offramp:", ":fresh:", 1)}); code != exitOK {
		t.Fatalf("exit code %d, %+v", code, done)
	}
	if text := say(); !strings.Contains(text, "at fresh._domainkey.shop.example") {
		t.Errorf("the earlier key still signs:\n%s", text)
	}
	if done, code := r.reload(map[string]string{"STREAM_RULES": rules}); code != exitOK {
		t.Fatalf("exit code %d, %+v", code, done)
	}
	if text := say(); !strings.Contains(text, "mail of no list") {
		t.Errorf("the rule does not count:\n%s", text)
	}
	succeeds(t, os.WriteFile(rules, []byte("nonsense\n"), 0o600))
	if done, code := r.reload(nil); code != exitFailed || len(done.Errors) == 0 {
		t.Errorf("a rule that cannot be read: exit code %d, %+v", code, done)
	}
}

// A panic in a reload is in the log, and the server goes on.
func TestPanicOfAReload(t *testing.T) {
	var log bytes.Buffer
	r := &reloader{log: slog.New(slog.NewTextHandler(&log, nil))} // no app: it cannot read anything
	r.hangUp(t.Context())
	if !strings.Contains(log.String(), "panic while settings were reloaded") {
		t.Error(log.String())
	}
}

// A server without --env-file cannot see a changed setting, and the command says so.
func TestReloadWithoutAFile(t *testing.T) {
	w := newWay(t)
	t.Cleanup(w.serve(w.app(new(bytes.Buffer), time.Now)))
	var out bytes.Buffer
	if code := w.app(&out, time.Now).run([]string{"config", "reload"}); code != exitOK || !strings.Contains(out.String(), "without --env-file") {
		t.Errorf("exit code %d:\n%s", code, out.String())
	}
}
