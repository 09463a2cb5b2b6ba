package main

import (
	"os"
	"strings"
	"testing"
)

// A rule that may catch password resets, or a sender without a key, is warned of
// once; others are not.
func TestInitWarnsOfNewsletters(t *testing.T) {
	for _, c := range []struct{ newsletter, want string }{
		{"news@example.org=News", ""},
		{"letter@mail.example.org=News", ""},
		{"hello@example.org=News", "looks like an address that sends other mail too"},
		{"No-Reply@example.org=News", "looks like an address that sends other mail too"},
		{"ne_pas_repondre@example.org=News", "looks like an address that sends other mail too"},
		{"info+weekly@example.org=News", "looks like an address that sends other mail too"},
		{"@example.org=News", "makes all mail of example.org list mail"},
		{"@news.example.org=News", ""},
		{"news@other.example=Hi", "no DKIM key for other.example, so its mail goes out unsigned: run `offramp --env-file .env init other.example`"},
	} {
		a, _, messages := newApp(t, "")
		if code := a.run([]string{"init", "example.org", "--offline", "--newsletter", c.newsletter}); code != exitOK {
			t.Fatalf("%d\n%s", code, messages)
		}
		if warned := strings.Count(messages.String(), "warning:"); !strings.Contains(messages.String(), c.want) || warned > 1 || (c.want == "") == (warned == 1) {
			t.Errorf("%s: want %q, have\n%s", c.newsletter, c.want, messages)
		}
		rules, err := os.ReadFile("data/streams.rules")
		if err != nil || !strings.Contains(string(rules), "password resets") {
			t.Errorf("%s, %v", rules, err)
		}
	}
}

// The help says the same.
func TestInitHelpWarns(t *testing.T) {
	a, out, _ := newApp(t, "")
	if code := a.run([]string{"init", "--help"}); code != exitOK {
		t.Fatal(code)
	}
	for _, want := range []string{"password resets too", "nothing but newsletters", "need no rule"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
