package envelope

import (
	"errors"
	"strings"
	"testing"
)

func TestParsePattern(t *testing.T) {
	for in, want := range map[string]string{
		"@example.org":     "@example.org",
		"*@example.org":    "@example.org",
		"@Example.ORG":     "@example.org",
		"@bücher.example":  "@xn--bcher-kva.example",
		"@localhost":       "@localhost",
		"@example.org.":    "@example.org",
		"*.Example.org.":   "@*.example.org",
		"@example.org..":   "",
		"@.":               "",
		"*.example.org":    "@*.example.org",
		"@*.example.org":   "@*.example.org",
		"*@*.example.org":  "@*.example.org",
		"":                 "",
		"@":                "",
		"*":                "",
		"*@":               "",
		"*.":               "",
		"**.example.org":   "",
		"*.*.example.org":  "",
		"@ex*mple.org":     "",
		"example.org":      "",
		".example.org":     "",
		"a*@example.org":   "",
		"ada@example.org":  "",
		"ada@*.org":        "",
		"@ada@example.org": "",
		"*@[192.0.2.1]":    "",
		"@example.org ":    "",
		"@example..org":    "",
		"@192.0.2.1":       "",
		"'@example.org":    "@example.org",
		"'*.example.org":   "",
		"''@example.org":   "",
	} {
		p, err := ParsePattern(in)
		if p.Key() != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, ErrPattern) {
			t.Errorf("%q: %q, %v; want %q", in, p.Key(), err, want)
		}
	}
}

// What a spreadsheet made of a pattern is no address that nobody has.
func TestLikePattern(t *testing.T) {
	for in, want := range map[string]bool{
		"@example.org": true, "'@example.org": true, "*.example.org": true, "a*@example.org": true,
		"ada@example.org": false, "'ada@example.org": false, `"'"@example.org`: false, `"*"@example.org`: false, "": false, "'": false,
	} {
		if got := LikePattern(in); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}

// A pattern must not take in the domains of strangers.
func TestPublicPatterns(t *testing.T) {
	for in, want := range map[string]bool{
		"@com": true, "*.com": true, "@COM.": true, "*.co.uk": true, "@co.uk": true, "*.uk": true, "*.ck": true, "*.xn--p1ai": true, "*.рф": true,
		"@example.com": false, "*.example.com": false, "*.example.co.uk": false, "@localhost": false, "*.corp": false, "@mail.internal": false,
		"*.github.io": false,
	} {
		p, err := ParsePattern(in)
		if err != nil || p.Public() != want {
			t.Errorf("%s: %v, %v", in, p.Public(), err)
		}
	}
	if (Pattern{}).Public() {
		t.Error("the zero pattern")
	}
}

// FuzzParsePattern: what is taken has one spelling, which no address has.
func FuzzParsePattern(f *testing.F) {
	for _, s := range []string{"@a.example", "*.a.example", "*@*.a", "@@", "@*", "*@bücher.example", "'@a.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePattern(s)
		if err != nil {
			if p != (Pattern{}) {
				t.Errorf("%q: %v with an error", s, p)
			}
			return
		}
		key := p.Key()
		if again, err := ParsePattern(key); err != nil || again != p || !LikePattern(s) || strings.LastIndexByte(key, '@') != 0 {
			t.Errorf("%q: %q, then %q, %v", s, key, again.Key(), err)
		}
		if a, err := ParseUnquoted(key); err == nil {
			t.Errorf("%q is the address %v", key, a)
		}
	})
}
