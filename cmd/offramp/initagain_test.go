package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// A second run asks for what is still empty, writes it into its line, and says
// that a server must be restarted; once nothing is empty it asks nothing.
func TestInitAsksAgain(t *testing.T) {
	a, _, messages := newApp(t, "\n\n\n\n\n")
	a.inputTTY = true
	run := func(input string) string {
		t.Helper()
		messages.Reset()
		a.envFile, a.stdin = "", strings.NewReader(input)
		if code := a.run([]string{"init", "example.org", "--offline"}); code != exitOK {
			t.Fatalf("exit code %d\n%s", code, messages)
		}
		return messages.String()
	}
	run("\n\n\n\n\n")
	before, err := os.ReadFile(dotEnv)
	if err != nil {
		t.Fatal(err)
	}
	said := run("Example Ltd\nfoo\nsmtp://127.0.0.1:2525\nmx\n")
	for _, want := range []string{"Your name, as", "Where mail goes today", "--next-hop, entry 1: no scheme", "own listener", "A server that runs must be restarted", "kept   data/ledger.key"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if strings.Contains(said, "Host name of") || strings.Contains(said, "newsletter's sender") || strings.Contains(said, "kept   .env") {
		t.Errorf("asked, or said, too much:\n%s", said)
	}
	want := bytes.Replace(before, []byte("OFFRAMP_OPERATOR_NAME=\n"), []byte("OFFRAMP_OPERATOR_NAME=Example Ltd\n"), 1)
	want = bytes.Replace(want, []byte("OFFRAMP_NEXT_HOP=\n"), []byte("OFFRAMP_NEXT_HOP=mx\n"), 1)
	if after, err := os.ReadFile(dotEnv); err != nil || !bytes.Equal(after, want) {
		t.Errorf("%v, have\n%s", err, after)
	}
	if said := run(""); strings.Contains(said, "Your name") || strings.Contains(said, "restarted") || !strings.Contains(said, "kept   .env") {
		t.Errorf("nothing was empty:\n%s", said)
	}
}

// A next hop that serve would refuse is refused, and its password not shown.
func TestInitChecksTheNextHop(t *testing.T) {
	for hop, want := range map[string]string{
		"foo": "no scheme", "http://x": `scheme "http" is unknown`, "smtp://user:s3cret@": "host", "mx,smtp://a.example": "both mx and a host",
		"smtp://127.0.0.1:2525": "own listener", "mx": "", "smtp+starttls://u:p@smtp.example.net:587": "", "smtp://127.0.0.1:10025": "", "": "",
	} {
		a, _, messages := newApp(t, "")
		code := a.run([]string{"init", "example.org", "--offline", "--next-hop", hop})
		if !strings.Contains(messages.String(), want) || (code == exitUsage) != (want != "") || strings.Contains(messages.String(), "s3cret") {
			t.Errorf("%q: exit code %d, want %q in\n%s", hop, code, want, messages)
		}
		if _, err := os.Stat(dotEnv); (err == nil) != (want == "") {
			t.Errorf("%q: settings: %v", hop, err)
		}
	}
}
