package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What root makes in a data folder of another user belongs to that user, also
// the keys of a second domain; check as root names what does not.
func TestFilesBelongToTheFoldersOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only root can give files away")
	}
	const service = 61234 // as a dynamic user of systemd
	a, out, messages := newApp(t, "")
	if err := os.Chown(".", service, service); err != nil {
		t.Fatal(err)
	}
	for _, domain := range []string{"example.org", "example.net"} {
		if code := a.run([]string{"--env-file", "offramp.env", "init", domain, "--offline", "--next-hop", "mx", "--newsletter", "news@example.org=News"}); code != exitOK {
			t.Fatalf("%d\n%s", code, messages)
		}
	}
	paths, _ := filepath.Glob("data/*")
	for _, path := range append(paths, "data", "offramp.env") {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := ownerOf(info); got != (owner{service, service}) {
			t.Errorf("%s belongs to %v", path, got)
		}
	}
	if len(paths) != 10 {
		t.Errorf("made %q", paths)
	}
	check := func() string {
		out.Reset()
		a.run([]string{"--env-file", "offramp.env", "check", "--offline"})
		return out.String()
	}
	if text := check(); strings.Contains(text, "cannot read") {
		t.Errorf("nothing to report:\n%s", text)
	}
	key := "data/dkim-example.net-rsa.pem"
	if err := os.Chown(key, 0, 0); err != nil {
		t.Fatal(err)
	}
	if text := check(); !strings.Contains(text, "uid 61234, who cannot read "+key+":") || !strings.Contains(text, "-> chown 61234:61234 "+key+"\n") {
		t.Errorf("check says\n%s", text)
	}
}
