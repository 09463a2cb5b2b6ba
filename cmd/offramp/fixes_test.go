package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// fixPrograms are what a fix may call beside the program itself, and whether the
// test runs it.
var fixPrograms = map[string]bool{
	"chmod": true, "echo": true,
	"chown":    false, // needs root and a folder of another user
	"ss":       false, // shows, and changes nothing
	"curl":     false, // from outside
	"postconf": true, "postfix": true,
	"postmap": false, // needs the source of a table
	"setcap":  false, // changes the installed program
}

// fixCase is a set-up whose findings have fixes.
type fixCase struct {
	name    string
	file    string // of settings
	prepare []string
	online  bool
	postfix bool     // look at the one in the folder postfix
	fixes   []string // that are expected, in part
}

func fixCases() []fixCase {
	return []fixCase{
		{name: "new", file: ".env", fixes: []string{}},
		{name: "online", file: ".env", online: true, fixes: []string{"offramp --env-file .env dns example.org", "offramp --env-file .env serve"}},
		{name: "file with a blank", file: "my settings.env", prepare: []string{"chmod 644 data/token.keys data/ledger.key", "chmod 755 data"},
			fixes: []string{"chmod 600 data/token.keys", "chmod 600 data/ledger.key", "chmod 700 data"}},
		{name: "no keys", file: "my settings.env", prepare: []string{`grep -v DKIM "my settings.env" > x; mv x "my settings.env"`},
			fixes: []string{"offramp --env-file 'my settings.env' init example.org"}},
		{name: "logins", file: ".env", prepare: []string{`echo "OFFRAMP_SMTP_USERS=shop:"'$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA' >> .env`},
			fixes: []string{"offramp --env-file .env init --tls-self-signed"}},
		{name: "Postfix", file: "my settings.env", postfix: true, prepare: []string{
			`grep -v -e DKIM -e TRUSTED "my settings.env" > x; mv x "my settings.env"`, `printf OFFRAMP_TRUSTED_NETWORKS=192.0.2.0/24 >> "my settings.env"`,
			"mkdir postfix", "printf '%s\n' 'compatibility_level = 3.6' 'relayhost = [127.0.0.1]:0' 'smtpd_milters = inet:localhost:8891' > postfix/main.cf",
			"printf '%s\n' '127.0.0.1:0 inet n - y - - smtpd' '127.0.0.1:1 inet n - y - - smtpd' 'smtp unix - - y - - smtp' > postfix/master.cf",
		}, fixes: []string{
			"offramp --env-file 'my settings.env' init example.org",
			"echo >> 'my settings.env' && echo OFFRAMP_TRUSTED_NETWORKS=127.0.0.0/8,::1/128,192.0.2.0/24 >> 'my settings.env'",
			"echo >> 'my settings.env' && echo OFFRAMP_NEXT_HOP=mx >> 'my settings.env'",
			"echo >> 'my settings.env' && echo OFFRAMP_SMTP_ADDR=127.0.0.1:2525 >> 'my settings.env'",
		}},
		{name: "lists", file: ".env", prepare: []string{"offramp --env-file .env lists add weekly-news.example.net"},
			fixes: []string{"offramp --env-file .env init weekly-news.example.net", "offramp --env-file .env lists set weekly-news.example.net --name 'Weekly news'"}},
	}
}

// Each fix that check prints is a command that works as printed, with the
// --env-file that was given; after it the finding is gone.
func TestFixesWork(t *testing.T) {
	settings := "OFFRAMP_SMTP_ADDR=127.0.0.1:0\nOFFRAMP_HTTP_ADDR=127.0.0.1:0\nOFFRAMP_ADMIN_ADDR=" + freeAddr(t) + "\nOFFRAMP_NEXT_HOP=smtp://127.0.0.1:1\n"
	for _, c := range fixCases() {
		t.Run(c.name, func(t *testing.T) {
			a, _, messages := newApp(t, "")
			if code := a.run([]string{"--env-file", c.file, "init", "example.org", "--offline", "--operator", "Example"}); code != exitOK {
				t.Fatalf("%d\n%s", code, messages)
			}
			text, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			text = bytes.Replace(text, []byte("OFFRAMP_NEXT_HOP=\n"), []byte(settings), 1)
			if err := os.WriteFile(c.file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, line := range c.prepare {
				shell(t, line)
			}
			var more []string
			if !c.online {
				more = append(more, "--offline")
			}
			if c.postfix {
				needsPostconf(t)
				more = append(more, "--postfix=postfix")
			}
			before := findings(t, c.file, more...)
			var fixes []string
			for _, f := range before {
				if f.Fix == "" {
					continue
				}
				fixes = append(fixes, f.Fix)
				if tryFix(t, f.Fix) && slices.ContainsFunc(findings(t, c.file, more...), func(g finding) bool { return g.What == f.What && g.Text == f.Text }) {
					t.Errorf("%s did not help: %s", f.Fix, f.Text)
				}
			}
			for _, want := range c.fixes {
				if !slices.Contains(fixes, want) {
					t.Errorf("no fix %q among %q", want, fixes)
				}
			}
		})
	}
}

// tryFix runs a fix where that is possible, and says whether it did.
func tryFix(t *testing.T, fix string) bool {
	t.Helper()
	if !fixRuns(t, fix) {
		return false
	}
	shell(t, fix)
	return true
}

// fixRuns checks that a fix is a command, and says whether the test can run it.
func fixRuns(t *testing.T, fix string) bool {
	t.Helper()
	for _, words := range simpleCommands(fix) {
		if len(words) == 0 {
			continue // between the two of &&
		}
		runs, known := true, false
		switch program := words[0]; program {
		case "offramp":
			known = true
			if err := parses(words[1:]); err != nil {
				t.Errorf("%s: %v", fix, err)
			}
			if !slices.Contains(words, "--env-file") {
				t.Errorf("%s: without the --env-file that was given", fix)
			}
			runs = !slices.Contains(words, "serve") && !slices.Contains(words, "dns")
		default:
			runs, known = fixPrograms[program], false
			_, known = fixPrograms[program]
		}
		if !known {
			t.Errorf("%s: is not a command", fix)
		}
		if !known || !runs {
			return false
		}
		if strings.Contains(fix, ">") {
			break // the file is no command
		}
	}
	return true
}

func shell(t *testing.T, line string) {
	t.Helper()
	// No Postfix runs with the configurations of the tests.
	cmd := exec.Command("sh", "-c", `postfix() { [ "$1 $3" = "-c reload" ]; }`+"\n"+line)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=10", "PATH="+os.Getenv("PATH")+":/usr/sbin")
	if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// needsPostconf leaves a test out where there is no Postfix; CI has one.
func needsPostconf(t *testing.T) {
	t.Helper()
	if _, err := postfixTool("postconf"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("left out: Postfix is not installed")
	}
}

func findings(t *testing.T, file string, more ...string) []finding {
	t.Helper()
	var out, messages bytes.Buffer
	a := &app{env: map[string]string{}, stdin: strings.NewReader(""), stdout: &out, stderr: &messages, now: time.Now, resolver: fakeDNS{mx: map[string][]*net.MX{}}}
	args := append([]string{"--env-file", file, "check", "--json"}, more...)
	if code := a.run(args); code != exitOK && code != exitFailed {
		t.Fatalf("%d\n%s", code, &messages)
	}
	var all []finding
	if err := json.Unmarshal(out.Bytes(), &all); err != nil {
		t.Fatalf("%v in %s", err, &out)
	}
	return all
}
