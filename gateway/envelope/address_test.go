package envelope

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, in, local, domain, wire, key string
	}{
		{"plain", "a@b.example", "a", "b.example", "a@b.example", "a@b.example"},
		{"case of the local part is kept", "Ann.B@Example.COM", "Ann.B", "example.com", "Ann.B@example.com", "ann.b@example.com"},
		{"plus and dots are not merged", "a.b+c@b.example", "a.b+c", "b.example", "a.b+c@b.example", "a.b+c@b.example"},
		{"percent hack is a local part", "a%other.example@b.example", "a%other.example", "b.example", "a%other.example@b.example", "a%other.example@b.example"},
		{"bang path is a local part", "host!a@b.example", "host!a", "b.example", "host!a@b.example", "host!a@b.example"},
		{"quotes not needed", `"ann"@b.example`, "ann", "b.example", "ann@b.example", "ann@b.example"},
		{"space, quoted", `"ann b"@b.example`, "ann b", "b.example", `"ann b"@b.example`, "ann b@b.example"},
		{"space, quotes taken off", `ann b@b.example`, "ann b", "b.example", `"ann b"@b.example`, "ann b@b.example"},
		{"smuggling of go-smtp S2", `victim@evil.test> @ours.test`, "victim@evil.test> ", "ours.test", `"victim@evil.test> "@ours.test`, "victim@evil.test> @ours.test"},
		{"two @", `a@b@c.example`, "a@b", "c.example", `"a@b"@c.example`, "a@b@c.example"},
		{"quoted pair", `"a\"\\b"@c.example`, `a"\b`, "c.example", `"a\"\\b"@c.example`, `a"\b@c.example`},
		{"needless quoted pair", `"\a"@c.example`, `a`, "c.example", `a@c.example`, `a@c.example`},
		{"leading dot leaves quoted", ".a@c.example", ".a", "c.example", `".a"@c.example`, ".a@c.example"},
		{"double dot leaves quoted", "a..b@c.example", "a..b", "c.example", `"a..b"@c.example`, "a..b@c.example"},
		{"final dot leaves quoted", "a.@c.example", "a.", "c.example", `"a."@c.example`, "a.@c.example"},
		{"IDN", "a@Bücher.example", "a", "xn--bcher-kva.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
		{"IDN, A-label in capitals", "a@XN--BCHER-KVA.example", "a", "xn--bcher-kva.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
		{"IDN, decomposed", "a@bu\u0308cher.example", "a", "xn--bcher-kva.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
		{"IDN, sharp s stays", "a@faß.example", "a", "xn--fa-hia.example", "a@xn--fa-hia.example", "a@xn--fa-hia.example"},
		{"IDN, ideographic full stop", "a@b。example", "a", "b.example", "a@b.example", "a@b.example"},
		{"EAI local part", "Jörg@b.example", "Jörg", "b.example", "Jörg@b.example", "jörg@b.example"},
		{"EAI, decomposed", "Jo\u0308rg@b.example", "Jo\u0308rg", "b.example", "Jo\u0308rg@b.example", "jörg@b.example"},
		{"EAI, folding", "STRASSE-ẞ@b.example", "STRASSE-ẞ", "b.example", "STRASSE-ẞ@b.example", "strasse-ss@b.example"},
		{"EAI, look-alike stays another", "а@b.example", "а", "b.example", "а@b.example", "а@b.example"},
		{"EAI and space", "jö rg@b.example", "jö rg", "b.example", `"jö rg"@b.example`, "jö rg@b.example"},
		{"underscore", "a@b_c.example", "a", "b_c.example", "a@b_c.example", "a@b_c.example"},
		{"one label", "root@localhost", "root", "localhost", "root@localhost", "root@localhost"},
		{"IPv4 literal", "a@[192.0.2.1]", "a", "[192.0.2.1]", "a@[192.0.2.1]", "a@[192.0.2.1]"},
		{"IPv6 literal", "a@[ipv6:2001:DB8:0::1]", "a", "[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"},
		{"longest local part", strings.Repeat("l", 64) + "@b.example", strings.Repeat("l", 64), "b.example", strings.Repeat("l", 64) + "@b.example", strings.Repeat("l", 64) + "@b.example"},
		{"SRS and reply tokens", strings.Repeat("l", 240) + "@b.example", strings.Repeat("l", 240), "b.example", strings.Repeat("l", 240) + "@b.example", strings.Repeat("l", 240) + "@b.example"},
		{"final dot", "a@B.example.", "a", "b.example", "a@b.example", "a@b.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			got := [4]string{a.Local(), a.Domain(), a.String(), a.Key()}
			want := [4]string{tt.local, tt.domain, tt.wire, tt.key}
			if got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			for _, again := range []string{a.String(), a.Local() + "@" + a.Domain()} {
				if b, err := Parse(again); err != nil || b != a {
					t.Errorf("Parse(%q) = %q, %v", again, b, err)
				}
			}
			if a.UTF8() != strings.ContainsFunc(a.String(), func(r rune) bool { return r > 0x7f }) {
				t.Errorf("UTF8() = %v", a.UTF8())
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	label := strings.Repeat("d", 63)
	tests := map[string]string{
		"empty":                           "",
		"no @":                            "ann",
		"no local part":                   "@b.example",
		"empty quoted local part":         `""@b.example`,
		"no domain":                       "a@",
		"only @":                          "@",
		"source route":                    "@a.example:b@c.example",
		"NUL":                             "a\x00@b.example",
		"CR":                              "a\rb@c.example",
		"LF":                              "a\nb@c.example",
		"line end, quoted":                "\"a\r\nRCPT TO:<x>\"@c.example",
		"tab":                             "a\tb@c.example",
		"DEL":                             "a\x7f@c.example",
		"C1 control":                      "a\u0085b@c.example",
		"line separator":                  "a\u2028b@c.example",
		"8-bit, not UTF-8":                "a\xff@c.example",
		"control in the domain":           "a@b\r\n.example",
		"space in the domain":             "a@b .example",
		"angle bracket in the domain":     "a@b.example>",
		"quoted without end":              `"a@b.example`,
		"quoted, backslash at the end":    `"a\`,
		"text after the quotes":           `"a"b@c.example`,
		"quoted, no domain":               `"a"`,
		"quoted, two domains":             `"a"@b@c.example`,
		"content begins with a quotation": `"\"a"@c.example`,
		"domain of 255 octets and local":  "a@" + strings.Repeat(label+".", 3) + strings.Repeat("d", 62) + ".e",
		"path of 255 octets":              strings.Repeat("l", 64) + "@" + label + "." + label + "." + strings.Repeat("d", 62),
		"label of 64 octets":              "a@d" + label + ".example",
		"empty label":                     "a@b..example",
		"two final dots":                  "a@b.example..",
		"leading hyphen":                  "a@-b.example",
		"final hyphen":                    "a@b-.example",
		"address without brackets":        "a@192.0.2.1",
		"literal without end":             "a@[192.0.2.1",
		"empty literal":                   "a@[]",
		"bad literal":                     "a@[192.0.2.256]",
		"IPv6 without tag":                "a@[2001:db8::1]",
		"IPv4 with tag":                   "a@[IPv6:192.0.2.1]",
		"zone":                            "a@[IPv6:fe80::1%eth0]",
		"fullwidth @ in the domain":       "a@b＠c.example",
		"IDN that maps to a slash":        "a@b℀.example",
		"huge IDN":                        "a@" + strings.Repeat("ü", 5000) + ".example",
		"IDN of digits":                   "a@１２３",
		"postmaster":                      "postmaster",
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			a, err := Parse(in)
			if !errors.Is(err, ErrAddress) || a != (Address{}) {
				t.Errorf("Parse(%q) = %q, %v", in, a, err)
			}
		})
	}
}

func TestParseUnquotedReadsNoQuotes(t *testing.T) {
	if a, err := ParseUnquoted(`"a b"@c.example`); err == nil {
		t.Errorf("read as %q", a)
	}
	if a, err := ParseUnquoted(`a"b@c.example`); err != nil || a.String() != `"a\"b"@c.example` {
		t.Errorf("%q, %v", a, err)
	}
}

func TestNull(t *testing.T) {
	null, err := ParseReversePath("")
	if err != nil || null != (Address{}) || !null.IsNull() || null.String() != "" || null.Key() != "" || null.UTF8() {
		t.Errorf("%#v, %v", null, err)
	}
	if a, err := ParseReversePath("a@b.example"); err != nil || a.IsNull() {
		t.Errorf("%#v, %v", a, err)
	}
}

func TestMasked(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "<>",
		"ann@mail.example":     "a•••@m•••.example",
		"ann@a.b.c.example":    "a•••@a•••.example",
		"örg@localhost":        "ö•••@l•••",
		"a@[192.0.2.1]":        "a•••@[•••]",
		`"a b"@bücher.example`: "a•••@x•••.example",
	} {
		a, err := ParseReversePath(in)
		if err != nil || a.Masked() != want {
			t.Errorf("%q: %q, %v; want %q", in, a.Masked(), err, want)
		}
	}
}

func TestMaskedLocal(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "<>",
		"ann@mail.example":      "a•••@mail.example",
		"anna@mail.example":     "a•••a@mail.example",
		"ann.lee@a.b.c.example": "a•••e@a.b.c.example",
		"örgö@localhost":        "ö•••ö@localhost",
		"a@[192.0.2.1]":         "a•••@[•••]",
		`"a b"@bücher.example`:  "a•••@bücher.example",
	} {
		a, err := ParseReversePath(in)
		if err != nil || a.MaskedLocal() != want {
			t.Errorf("%q: %q, %v; want %q", in, a.MaskedLocal(), err, want)
		}
	}
}

func TestLogIsMasked(t *testing.T) {
	a, _ := Parse("ann@mail.example")
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("sent", "to", a)
	if s := out.String(); strings.Contains(s, "ann") || !strings.Contains(s, "a•••@m•••.example") {
		t.Error(s)
	}
}

// FuzzParse: whatever is accepted leaves in a form that cannot end a path, a
// command or a line, and that is read as the same address by every reader.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "a@b.example", `"a b"@c.example`, `"victim@evil.test> "@ours.test`, "a@b@c", "@a:b@c",
		"a@[IPv6:::1]", "jörg@bücher.example", `"a\"b"@c`, "\"a\x00\"@c", "a@xn--a.b", `"\"a b\""@c`, "ＡÅ@Ａ。b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			if a != (Address{}) {
				t.Fatalf("error with an address: %q", a)
			}
			return
		}
		wire := a.String()
		if b, err := Parse(wire); err != nil || b != a {
			t.Fatalf("%q: Parse(%q) = %q, %v", s, wire, b, err)
		}
		if b, err := ParseUnquoted(a.Local() + "@" + a.Domain()); err != nil || b != a {
			t.Fatalf("%q: unquoted %q, %v", s, b, err)
		}
		if strings.ContainsAny(wire, "\x00\r\n\t\x7f") || len(wire) > 2*maxPath+3 {
			t.Fatalf("unsafe: %q", wire)
		}
		if wire[0] != '"' && (strings.ContainsAny(wire, "<> \"(),;\\") || strings.Count(wire, "@") != 1) {
			t.Fatalf("unquoted: %q", wire)
		}
		key := a.Key()
		if b, err := Parse(key); err == nil && b.Key() != key {
			t.Fatalf("key %q of key %q", b.Key(), key)
		}
	})
}

func BenchmarkParseKey(b *testing.B) {
	for name, in := range map[string]string{
		"plain": "ann.example+news@mail.example.com", "upper": "Ann.Example@Mail.Example.com",
		"quoted": `"ann example"@mail.example.com`, "unicode": "jörg@bücher.example",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a, err := Parse(in)
				if err != nil || a.Key() == "" {
					b.Fatal(err)
				}
			}
		})
	}
}
