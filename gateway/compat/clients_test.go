package compat

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/gateway/access"
	"offramp/gateway/jobs"
	"offramp/store"
)

// leftOut skips a test without what it needs; where it must be there, that is a
// failure.
func leftOut(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// withPeople is a server with records that no client made.
func withPeople(t *testing.T) (*world, string) {
	t.Helper()
	w := newWorld(t)
	for _, address := range []string{"bounced0@example.com", "bounced1@example.com", "bounced2@example.com"} {
		w.stop(address, "", store.ReasonBounced, "550 5.1.1 no such user")
	}
	w.stop("spam@example.com", "", store.ReasonComplained, "")
	w.own("left@example.com", "")
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	return w, server.URL
}

// SendGrid's and Mailgun's own libraries for Go. They are in a module of their
// own, so that the program does not depend on them.
func TestGoClients(t *testing.T) {
	dir := filepath.Join("testdata", "clients")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	program := filepath.Join(t.TempDir(), "clients")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, ".")
	build.Dir, build.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		leftOut(t, "the vendors' libraries for Go: %v\n%s", err, out)
	}
	w, url := withPeople(t)
	run := exec.CommandContext(ctx, program)
	run.Env = append(os.Environ(), "URL="+url, "KEY="+w.key)
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\nlog %s", err, out, &w.log)
	}
	if got := w.stands("left@example.com"); got != ":unsubscribed" {
		t.Errorf("who left by the page stands at %q", got)
	}
	for address, want := range map[string]string{
		"ada@example.com": ":unsubscribed", "eve@example.com": ":unsubscribed", "fay@example.com": "news.example.org:unsubscribed",
		"gus@example.com": "offers.example.org:unsubscribed", "jon@example.com": ":complained", "cyd@example.com": "", "m07@example.com": "",
	} {
		if got := w.stands(address); got != want {
			t.Errorf("%s stands at %q, want %q", address, got, want)
		}
	}
}

// The three vendors' own libraries for Node, which .ci/deps installs.
func TestNodeClients(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		leftOut(t, "node: %v", err)
	}
	home, _ := os.UserHomeDir()
	peers := cmp.Or(os.Getenv("TEST_PEERS"), filepath.Join(home, ".cache/offramp-tests"))
	var modules []string
	for name, module := range map[string]string{"postmark": "postmark", "sendgrid": "@sendgrid/client", "mailgun": "mailgun.js"} {
		dir := filepath.Join(peers, name, "node_modules")
		if _, err := os.Stat(filepath.Join(dir, module)); err != nil {
			leftOut(t, "%s: %v (.ci/deps installs it)", module, err)
		}
		modules = append(modules, dir)
	}
	w, url := withPeople(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, node, filepath.Join("testdata", "clients", "clients.js"))
	run.Env = append(os.Environ(), "URL="+url, "KEY="+w.key, "NODE_PATH="+strings.Join(modules, ":"))
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\nlog %s", err, out, &w.log)
	}
	for address, want := range map[string]string{
		"left@example.com": ":unsubscribed", "spam@example.com": ":complained", "bounced0@example.com": "",
		"ann@example.com": "news.example.org:manual", "eli@example.com": "news.example.org:unsubscribed", "gil@example.com": ":complained", "cat@example.com": "",
	} {
		if got := w.stands(address); got != want {
			t.Errorf("%s stands at %q, want %q", address, got, want)
		}
	}
}

// taken keeps what was sent to be imported.
type taken struct {
	mu   sync.Mutex
	spec jobs.Spec
	file string
}

func (t *taken) Import(_ context.Context, _ string, spec jobs.Spec, file io.Reader) (jobs.Job, error) {
	raw, err := io.ReadAll(file)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spec, t.file = spec, string(raw)
	return jobs.Job{FileJob: store.FileJob{ID: "j1"}}, err
}

func (t *taken) take() (jobs.Spec, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	spec, file := t.spec, t.file
	t.spec, t.file = jobs.Spec{}, ""
	return spec, file
}

// A file goes to the imports as it came, for the lists of the key alone.
func TestMailgunImport(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		leftOut(t, "curl: %v", err)
	}
	w, url := withPeople(t)
	into := &taken{}
	w.compat.Imports = into
	bound := w.newKey(access.Spec{Name: "news", Scope: access.Write, Lists: []string{"news.example.org"}})
	const rows = "address,tags,created_at\nada@example.com,news.example.org,\n"
	file := filepath.Join(t.TempDir(), "unsubscribes.csv")
	large := filepath.Join(t.TempDir(), "large.csv")
	if err := errors.Join(os.WriteFile(file, []byte(rows), 0o600), os.WriteFile(large, make([]byte, maxFile), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ key, kind, field, want string }{
		{w.key, "unsubscribes", "file=@" + file, `"file uploaded successfully"}`},
		{bound, "unsubscribes", "file=@" + file, `"file uploaded successfully"}`},
		{bound, "bounces", "file=@" + file, "for some lists only"},
		{w.key, "bounces", "other=x", "the field file is missing"},
		{w.key, "bounces", "file=@" + large, "too large"},
		{w.key, "moods", "file=@" + file, "Not found"},
	} {
		into.take()
		out, err := exec.CommandContext(t.Context(), curl, "-sS", "--max-time", "20", "--user", "api:"+c.key, "-F", c.field,
			url+"/compat/mailgun/v3/example.org/"+c.kind+"/import").CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%+v: %v\n%s", c, err, out)
		}
		spec, got := into.take()
		if ok := strings.Contains(c.want, "successfully"); ok != (got == rows) {
			t.Errorf("%+v: took %d bytes", c, len(got))
		} else if ok && (spec.Format != "mailgun-unsubscribes" || spec.Name != "unsubscribes.csv" || !spec.Start || (spec.Only == nil) != (c.key == w.key)) {
			t.Errorf("%+v: %+v", c, spec)
		}
	}
}

// curl, as each vendor's documents show it.
func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		leftOut(t, "curl: %v", err)
	}
	w, url := withPeople(t)
	bound := w.newKey(access.Spec{Name: "news", Scope: access.Write, Lists: []string{"news.example.org"}})
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-X", "GET", url + "/compat/sendgrid/v3/suppression/spam_reports", "--header", "Authorization: Bearer " + w.key}, `"email":"spam@example.com","ip":""}]`},
		{[]string{"--user", "api:" + w.key, url + "/compat/mailgun/v3/example.org/bounces", "-F", "address=bob@example.com"}, "Address has been added to the bounces table"},
		{[]string{"--user", "api:" + bound, url + "/compat/mailgun/v3/example.org/unsubscribes", "-F", "address=bob@example.com", "-F", "tag=news.example.org"}, "Address has been added to the unsubscribes table"},
		{[]string{"--user", "api:" + bound, url + "/compat/mailgun/v3/example.org/unsubscribes", "-F", "address=bob@example.com"}, "for some lists only"},
		{[]string{url + "/compat/postmark/message-streams/news.example.org/suppressions", "-X", "POST", "-H", "Accept: application/json", "-H", "Content-Type: application/json", "-H", "X-Postmark-Server-Token: " + w.key, "-d", `{"Suppressions":[{"EmailAddress":"bob@example.com"}]}`}, `{"Suppressions":[{"EmailAddress":"bob@example.com","Status":"Suppressed","Message":null}]}`},
	} {
		out, err := exec.CommandContext(t.Context(), curl, append([]string{"-sS", "--max-time", "20"}, c.args...)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("curl %q: %v\n%s", c.args, err, out)
		}
	}
	if got := w.stands("bob@example.com"); got != ":bounced news.example.org:manual news.example.org:unsubscribed" {
		t.Errorf("bob stands at %q", got)
	}
}
