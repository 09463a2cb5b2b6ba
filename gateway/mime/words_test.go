package mime

import (
	"strings"
	"testing"
)

func TestFromDomain(t *testing.T) {
	for value, want := range map[string]string{
		"a@example.com":                             "example.com",
		"News <a@EXAMPLE.com>":                      "example.com",
		`"b@x.example, c" <a@example.com>`:          "example.com",
		"(c@x.example) a@example.com":               "example.com",
		`"odd @ local"@example.com`:                 "example.com",
		"a@example.com, b@x.example":                "example.com",
		"a@example.com, B <b@x.example>":            "example.com",
		"Group: a@example.com;":                     "example.com",
		"a@bücher.example":                          "xn--bcher-kva.example",
		`"unclosed <a@example.com>`:                 "example.com",
		"<a @ example . com>":                       "example.com",
		"nobody":                                    "",
		"":                                          "",
		"=?utf-8?q?a=40x.example?= <a@example.com>": "example.com",
	} {
		if got := FromDomain(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func FuzzFromDomain(f *testing.F) {
	for _, s := range []string{"a@example.com", `"x" <a@b.example>`, "(((", `"\`, "<@a:b@c.d>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d := FromDomain(s); strings.ContainsAny(d, " \r\n<>\"") || d != strings.ToLower(d) {
			t.Errorf("%q: %q", s, d)
		}
	})
}

func TestKeyword(t *testing.T) {
	for value, want := range map[string]string{
		"":                            "",
		"no":                          "no",
		" No (really)":                "no",
		"(a (nested) \\) b) NO ; x=y": "no",
		"Auto-Replied; owner=\"a;b\"": "auto-replied",
		"Multipart/Report ; x=y":      "multipart/report",
		"multipart / report":          "multipart/report",
		"; x=y":                       "",
		"(never closed no":            "",
	} {
		if got := Keyword(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func FuzzKeyword(f *testing.F) {
	for _, s := range []string{"no", "(x) No; y", "((\\", ")", "a b(c)d;e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if w := Keyword(s); strings.ContainsAny(w, " \t;(") || w != Keyword(w) {
			t.Errorf("%q: %q", s, w)
		}
	})
}

func TestRewritable(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, "a@b.example": false, "Ada <a@b.example>": false, "<a@b.example>, c@d.example": false,
		"undisclosed-recipients:;": false, "Friends: a@b.example, c@d.example;": false, "<>": false, "a@[192.0.2.1]": false,
		`"root, the one" <a@b.example>`: false, "a@b.example (root)": false, "(to nobody) a@b.example": false,
		"root": true, "XX": true, "a@b.example, root": true, "Ada <ada>": true, "a@localhost": true, "Ada <a@b.example.>": true,
		"<@hop.example:a@b.example>": true, "Friends: a@b.example, root;": true, "a%b.example": true, "host!a": true, "a@": true,
		`"a b"@c.example`: false, "a@b.example;": false, "a@[IPv6:2001:db8::1]": false,
		"[list] <a@b.example>": false, "J. Doe <a@b.example>": false, "a (b (c)) @b.example": false, ",,a@b.example,": false, "A @ B <a@b.example>": false,
		// Postfix writes each of these in another way.
		`"root"`: true, `"A B" "C"`: true, `"a"@b.example`: true, "a..b@c.example": true, ".a@b.example": true, "a b@c.example": true,
		"a@b@c.example": true, "mailto:a@b.example": true, "Shop: EU <a@b.example>": true, "Shop :) <a@b.example>": true, "<a@b.example": true,
		`"Shop <a@b.example>`: true, `Shop (EU <a@b.example>`: true, "A <b> <c@d.example>": true, "F: a@b.example; G: c@d.example": true, `a\b@c.example`: true,
	} {
		if got := Rewritable(value); got != want {
			t.Errorf("%q: %t, want %t", value, got, want)
		}
	}
}
