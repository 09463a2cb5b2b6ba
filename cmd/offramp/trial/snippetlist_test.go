package trial

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// snippets are the blocks of docs/senders.md by name. Each block has one.
func snippets(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/senders.md")
	must(t, err)
	blocks := make(map[string]string)
	for _, m := range regexp.MustCompile("(?ms)^<!-- snippet: ([a-z-]+) -->\n```[a-z]*\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		if blocks[m[1]] != "" {
			t.Errorf("docs/senders.md has two snippets %s", m[1])
		}
		blocks[m[1]] = m[2]
	}
	if fences := regexp.MustCompile("(?m)^```").FindAllString(string(page), -1); len(fences) != 2*len(blocks) {
		t.Errorf("docs/senders.md has %d lines with a fence and %d named blocks: each block needs a name by which a test runs it", len(fences), len(blocks))
	}
	return blocks
}

// here puts addresses of a trial in place of those of the page. Each must be
// there, so that a page that is changed is noticed.
func here(t *testing.T, text string, replace ...string) string {
	t.Helper()
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Errorf("the snippet does not have %q any more:\n%s", replace[i], text)
		}
	}
	return strings.NewReplacer(replace...).Replace(text)
}

// TestSnippetsAreRun fails for a block that no test knows.
func TestSnippetsAreRun(t *testing.T) {
	var run []string
	for _, s := range sendingSnippets {
		run = append(run, s.snippets...)
	}
	run = append(run, "login", "proxy-env", "nginx", "caddy", "export")
	for name := range snippets(t) {
		if !slices.Contains(run, name) {
			t.Errorf("no test runs the snippet %s", name)
		}
	}
	for _, name := range run {
		if snippets(t)[name] == "" {
			t.Errorf("docs/senders.md has no snippet %s", name)
		}
	}
}
