package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/mime"
	"offramp/gateway/stream"
)

// newApp is a run of the program in a folder of its own, with a DNS in which
// there is nothing, and what it writes.
func newApp(t *testing.T, input string) (a *app, out, messages *bytes.Buffer) {
	t.Helper()
	t.Chdir(t.TempDir())
	out, messages = new(bytes.Buffer), new(bytes.Buffer)
	a = &app{env: map[string]string{}, stdin: strings.NewReader(input), stdout: out, stderr: messages, now: time.Now, resolver: fakeDNS{}}
	return a, out, messages
}

// asked is a dialogue with init, and what it leaves.
type asked struct {
	args, input    string
	env            map[string]string
	rules, unasked string
	asked          int
}

func dialogues() map[string]asked {
	return map[string]asked{
		"all answers": {
			args: "init example.org", input: "Example Ltd\nmx\nout.example.org\nbounce.example.org\noff\nnews@example.org=Weekly news\n\n",
			env:   map[string]string{"OPERATOR_NAME": "Example Ltd", "NEXT_HOP": "mx", "PUBLIC_URL": "https://out.example.org", "FEEDBACK_DOMAIN": "bounce.example.org", "FOOTER": "off"},
			rules: `list "Weekly news <news.example.org>" from=news@example.org`,
			asked: 7,
		},
		"Enter": {
			args: "init example.org", input: "\n\n\n\n\n\n",
			env:   map[string]string{"OPERATOR_NAME": "", "NEXT_HOP": "", "FOOTER": "add", "PUBLIC_URL": "https://offramp.example.org", "FEEDBACK_DOMAIN": "offramp.example.org"},
			asked: 6,
		},
		"a wrong answer is asked again": {
			args: "init example.org --newsletter @example.org --next-hop mx", input: "Example\nnot_a_host/\nout.example.org\n\nyes\nadd\n",
			env:   map[string]string{"PUBLIC_URL": "https://out.example.org", "FEEDBACK_DOMAIN": "out.example.org", "NEXT_HOP": "mx", "FOOTER": "add"},
			rules: `list "<example.org>" from=@example.org`, unasked: "newsletter's sender", asked: 6,
		},
		"the end of the input": {
			args: "init example.org", input: "Example",
			env:   map[string]string{"OPERATOR_NAME": "Example", "PUBLIC_URL": "https://offramp.example.org"},
			asked: 6,
		},
		"names are normalised": {
			args: "init example.org --host Bücher.Example.ORG --yes",
			env:  map[string]string{"PUBLIC_URL": "https://xn--bcher-kva.example.org", "HOSTNAME": "xn--bcher-kva.example.org", "FEEDBACK_DOMAIN": "xn--bcher-kva.example.org"},
		},
		"answers are normalised": {
			args: "init example.org", input: "\n\nBücher.Example.ORG\nBounce.Example.ORG\n\n\n",
			env:   map[string]string{"PUBLIC_URL": "https://xn--bcher-kva.example.org", "FEEDBACK_DOMAIN": "bounce.example.org"},
			asked: 6,
		},
		"--yes": {
			args: "init example.org --yes", input: "Example\n",
			env: map[string]string{"OPERATOR_NAME": "", "FOOTER": "off", "PUBLIC_URL": "https://offramp.example.org"},
		},
	}
}

// On a terminal init asks for what no flag says; Enter keeps what is proposed.
func TestInitAsks(t *testing.T) {
	for name, c := range dialogues() {
		t.Run(name, func(t *testing.T) {
			a, _, messages := newApp(t, c.input)
			a.inputTTY = true
			if code := a.run(strings.Fields(c.args)); code != exitOK {
				t.Fatalf("exit code %d\n%s", code, messages)
			}
			env := map[string]string{}
			if err := readEnvFile(dotEnv, env); err != nil {
				t.Fatal(err)
			}
			for name, want := range c.env {
				if got, ok := env[prefix+name]; got != want || !ok {
					t.Errorf("%s=%q, want %q", name, got, want)
				}
			}
			rules, err := os.ReadFile("data/streams.rules")
			if err != nil || !strings.Contains(string(rules), c.rules) {
				t.Errorf("rules %s, %v", rules, err)
			}
			asked := 0
			for _, question := range []string{"Your name, as", "Where mail goes today", "Host name of the unsubscribe links", "Domain of bounce addresses", "Gmail, Yahoo and Microsoft", "A newsletter's sender"} {
				asked += strings.Count(messages.String(), question)
			}
			if asked != c.asked {
				t.Errorf("asked %d questions, want %d:\n%s", asked, c.asked, messages)
			}
			if c.unasked != "" && strings.Contains(messages.String(), c.unasked) {
				t.Errorf("asked for %s:\n%s", c.unasked, messages)
			}
		})
	}
	t.Run("no terminal", func(t *testing.T) {
		a, _, messages := newApp(t, "Example\n")
		if code := a.run([]string{"init", "example.org"}); code != exitOK || strings.Contains(messages.String(), "Your name, as") {
			t.Errorf("exit code %d\n%s", code, messages)
		}
	})
}

// init prints what to publish in place of the records that are there.
func TestInitMerges(t *testing.T) {
	a, out, _ := newApp(t, "")
	a.resolver = fakeDNS{
		txt: map[string][]string{"example.org.": {"v=spf1 mx -all"}, "_dmarc.example.org.": {"v=DMARC1; p=reject"}},
		mx:  map[string][]*net.MX{},
	}
	if code := a.run([]string{"init", "example.org", "--next-hop", "smtp+starttls://u:p@smtp.sendgrid.net:587"}); code != exitOK {
		t.Fatal(code)
	}
	for _, want := range []string{
		"example.org.\t3600\tIN\tTXT\t\"v=spf1 mx include:sendgrid.net -all\"\n",
		"; DMARC: _dmarc.example.org is published already",
		"offramp.example.org.\t3600\tIN\tTXT\t\"v=spf1 include:sendgrid.net ~all\"\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out.String(), "_dmarc.example.org.\t3600") {
		t.Errorf("a second DMARC record:\n%s", out)
	}
}

func TestSetLine(t *testing.T) {
	for _, c := range []struct{ in, value, want string }{
		{"A=1\nX=2\n# X=3\n", "9", "A=1\nX=9\n# X=3\n"},
		{"A=1", "9", "A=1\nX=9\n"},
		{"", "9", "X=9\n"},
		{"X=1\r\nB=2\r\n", "9", "X=9\r\nB=2\r\n"},
		{"A=1\r\n", "9", "A=1\r\nX=9\r\n"},
		{"export X='1' \nX2=4\n", "9", "export X=9\nX2=4\n"},
		{"X=1\nX=2\n", "9", "X=1\nX=9\n"}, // the last line counts
		{"X = 1\n  \t\nB=x=y\n", "9", "X =9\n  \t\nB=x=y\n"},
		{"\ufeffX=1\n", "9", "\ufeffX=9\n"},
		{"X=", "a'b c", "X=\"a'b c\""},
		{"X=1\n", `p$s"w`, "X='p$s\"w'\n"},
		{"X=1\n", "O'Neil $HOME", "X=\"O'Neil \\$HOME\"\n"}, // systemd and compose read \$ as $
		{"X=1\n", `a'\$b`, "X=\"a'\\\\\\$b\"\n"},
		{"X=1\n", `a\`, "X=\"a\\\\\"\n"},
	} {
		got := string(setLine([]byte(c.in), "X", c.value))
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
		env := map[string]string{}
		if err := parseEnvFile(strings.NewReader(got), "x", env); err != nil || env["X"] != c.value {
			t.Errorf("%q: reads as %q, %v", got, env["X"], err)
		}
	}
}

// A file that is replaced keeps its permissions, and a link to it stays one.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "real.env"), filepath.Join(dir, ".env")
	if err := os.WriteFile(file, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	content, _ := os.ReadFile(file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 || string(content) != "new" {
		t.Errorf("%q, %v, %v", content, info.Mode(), err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}

// What the operator types becomes a rule that reads as it was meant.
func TestParseNewsletter(t *testing.T) {
	for _, c := range []struct{ in, from, name, id string }{
		{"news@example.com=Weekly news", "news@example.com", "Weekly news", "news.example.com"},
		{"News@Example.com = Weekly  news <Weekly.Example.com> ", "news@example.com", "Weekly news", "weekly.example.com"},
		{"news@example.com", "news@example.com", "", "news.example.com"},
		{"@news.example.com=All of it", "@news.example.com", "All of it", "news.example.com"},
		{`news@example.com=The "best" (really) \ <b.example.com>`, "news@example.com", `The "best" (really) \`, "b.example.com"},
		{"news@example.com=Grüße, täglich <g.example.com>", "news@example.com", "Grüße, täglich", "g.example.com"},
		{"news@example.com=a <b> c", "news@example.com", "a <b> c", "news.example.com"},
		{"news@bücher.example=Bücher", "news@xn--bcher-kva.example", "Bücher", "news.xn--bcher-kva.example"},
		{in: "news"}, {in: "news@localhost=x"}, {in: "*@example.com=x"}, {in: "news@example.com=x <>"}, {in: "news@example.com=x <a b>"}, {in: "news@example.com=x\x1b"}, {in: ""},
	} {
		n, err := parseNewsletter(c.in)
		if (err != nil) != (c.from == "") {
			t.Errorf("%q: %v", c.in, err)
		}
		if err != nil {
			continue
		}
		if diff := cmp.Diff([]string{c.from, c.name, c.id}, []string{n.from, n.list.Name, n.list.ID}); diff != "" {
			t.Errorf("%q: %s", c.in, diff)
		}
		rules, err := stream.ParseRules(strings.NewReader(n.rule() + "\n"))
		if err != nil || rules.Len() != 1 {
			t.Errorf("%q: %s: %v", c.in, n.rule(), err)
			continue
		}
		from := n.from
		if strings.HasPrefix(from, "@") {
			from = "x" + from
		}
		mail := []mime.Field{{Name: "From", Raw: []byte("From: <" + from + ">\r\n")}}
		if got := (&stream.Classifier{Rules: rules}).Classify(stream.Mail{}, mail).List; got != n.list {
			t.Errorf("%q: %s reads as %+v", c.in, n.rule(), got)
		}
	}
	if rules, err := stream.ParseRules(strings.NewReader(rulesHead)); err != nil || rules.Len() != 0 {
		t.Errorf("a new file of rules: %v, %v", rules.Len(), err)
	}
}

// A list's identifier makes a name that is valid UTF-8.
func TestLikelyName(t *testing.T) {
	for id, want := range map[string]string{"weekly-news.example.com": "Weekly news", "élan.example.com": "Élan", "-.example.com": "-.example.com"} {
		if got := likelyName(id); got != want {
			t.Errorf("likelyName(%q) = %q, want %q", id, got, want)
		}
	}
}
