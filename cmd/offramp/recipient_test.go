package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"offramp/gateway/record"
)

// Only a plain yes means yes, and where nobody can be asked nothing is assumed.
func TestConfirm(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		tty, yes    bool
		code        int
	}{
		{"yes", "yes\n", true, false, exitOK}, {"yes at the end", " yes ", true, false, exitOK}, {"y", "y\n", true, false, exitFailed},
		{"no", "no\n", true, false, exitFailed}, {"nothing", "", true, false, exitFailed}, {"an empty line", "\nyes\n", true, false, exitFailed},
		{"no terminal", "yes\n", false, false, exitUsage}, {"the flag", "", false, true, exitOK},
	} {
		var stderr bytes.Buffer
		a := &app{stdin: strings.NewReader(c.typed), stderr: &stderr, inputTTY: c.tty}
		if got := exitCode(a.confirm("Erase everything?", c.yes)); got != c.code {
			t.Errorf("%s: exit code %d, want %d", c.name, got, c.code)
		}
		if asked := strings.Contains(stderr.String(), "Erase everything?"); asked != c.tty {
			t.Errorf("%s: %q", c.name, &stderr)
		}
	}
}

// Somebody unknown is said to be unknown, and is blocked only after a yes: the
// address may be mistyped.
func TestEraseSomebodyUnknown(t *testing.T) {
	a, out, messages := newApp(t, "")
	if code := a.run(strings.Fields("init example.org --yes --offline")); code != exitOK {
		t.Fatal(messages)
	}
	a.inputTTY = true
	run := func(typed string, args ...string) (code int, said string) {
		t.Helper()
		out.Reset()
		messages.Reset()
		a.envFile, a.stdin = "", strings.NewReader(typed)
		code = a.run(append([]string{"--env-file", dotEnv}, args...))
		return code, out.String() + messages.String()
	}
	const nothing, block, erase = "Nothing was held about ada@example.net.", "Block the address all the same", "Erase ada@example.net for good?"
	for _, c := range []struct {
		typed string
		code  int
		says  []string
		lacks string
	}{
		{"no\n", exitFailed, []string{nothing, block, "Nothing was changed."}, erase},
		{"", exitFailed, []string{nothing, block, "Nothing was changed."}, erase},
		{"yes\n", exitOK, []string{nothing, block, "Erased."}, erase},
		{"no\n", exitFailed, []string{erase, "Nothing was changed."}, nothing}, // by now something is
	} {
		code, said := run(c.typed, "recipient", "erase", "ada@example.net")
		for _, want := range c.says {
			if !strings.Contains(said, want) {
				t.Errorf("%q: no %q in\n%s", c.typed, want, said)
			}
		}
		if code != c.code || strings.Contains(said, c.lacks) {
			t.Errorf("%q: exit code %d\n%s", c.typed, code, said)
		}
	}
	// Choices are held, and so are events alone.
	run("", "recipient", "choose", "eve@example.net", "--state", "paused", "--days", "3")
	run("", "suppress", "add", "bob@example.net")
	run("", "suppress", "rm", "bob@example.net")
	for _, address := range []string{"eve@example.net", "bob@example.net"} {
		if _, said := run("no\n", "recipient", "erase", address); !strings.Contains(said, "Erase "+address+" for good?") {
			t.Error(said)
		}
	}
}

// Mail alone is something that is held: its records go with the erasure.
func TestEraseAsksAboutMail(t *testing.T) {
	w := newWay(t)
	t.Cleanup(w.serve(w.app(new(bytes.Buffer), time.Now)))
	var out bytes.Buffer
	w.app(&out, time.Now).run([]string{"send-test", "--to", "you@dest.example"})
	out.Reset()
	a := w.app(&out, time.Now)
	a.inputTTY, a.stdin = true, strings.NewReader("no\n")
	if code := a.run([]string{"recipient", "erase", "you@dest.example"}); code != exitFailed || !strings.Contains(out.String(), "Erase you@dest.example for good?") {
		t.Errorf("exit code %d:\n%s", code, out.String())
	}
}

func TestChooseFlags(t *testing.T) {
	for name, c := range map[string]struct {
		flags chooseFlags
		want  string // state, until, every, sharing; empty: refused
	}{
		"pause by days":    {chooseFlags{state: "paused", days: 30, every: "week"}, "paused 2026-12-23T12:00:00Z week "},
		"pause by day":     {chooseFlags{state: "paused", until: "2026-12-24"}, "paused 2026-12-24T00:00:00Z  "},
		"pause by time":    {chooseFlags{state: "paused", until: "2026-12-24T18:00:00+01:00"}, "paused 2026-12-24T17:00:00Z  "},
		"sharing alone":    {chooseFlags{sharing: "refused"}, "   true"},
		"sharing too":      {chooseFlags{state: "unsubscribed", sharing: "allowed"}, "unsubscribed   false"},
		"nothing":          {chooseFlags{}, ""},
		"no state":         {chooseFlags{sharing: "refused", list: "news"}, ""},
		"both ends":        {chooseFlags{state: "paused", until: "2026-12-24", days: 1}, ""},
		"days gone by":     {chooseFlags{state: "paused", days: -1}, ""},
		"no date":          {chooseFlags{state: "paused", until: "tomorrow"}, ""},
		"sharing in words": {chooseFlags{sharing: "no"}, ""},
	} {
		got, err := c.flags.choose(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
		if (err != nil) != (c.want == "") || err != nil && exitCode(err) != exitUsage {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && chooseText(got) != c.want {
			t.Errorf("%s: %q, want %q", name, chooseText(got), c.want)
		}
	}
}

func chooseText(c record.Choose) string {
	var wish record.Wish
	if len(c.Choices) > 0 {
		wish = c.Choices[0]
	}
	sharing := ""
	if c.RefuseSharing != nil {
		sharing = map[bool]string{true: "true", false: "false"}[*c.RefuseSharing]
	}
	return strings.Join([]string{wish.State, timestamp(wish.Until), wish.Every, sharing}, " ")
}

func TestSeconds(t *testing.T) {
	for s, want := range map[float64]string{
		0: "0s", 0.0021234: "2.12ms", 59.5: "59.5s", 61: "1m", 3600: "1h", 47 * 3600: "47h", 48 * 3600: "2.0 days", -36 * 3600: "-36h", -86400 * 10: "-10.0 days",
	} {
		if got := seconds(s); got != want {
			t.Errorf("%v s are %q, want %q", s, got, want)
		}
	}
}
