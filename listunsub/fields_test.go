package listunsub

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompose(t *testing.T) {
	long := "https://lists.example.com/u/" + strings.Repeat("a", 60)
	for _, tc := range []struct {
		name string
		uris []string
		want string
	}{
		{"one", []string{"https://a.example/u/x"}, "<https://a.example/u/x>"},
		{"https goes first", []string{"mailto:u+x@a.example", "https://a.example/u/x"}, "<https://a.example/u/x>, <mailto:u+x@a.example>"},
		{"mailto alone", []string{"mailto:u@a.example?subject=leave%20it"}, "<mailto:u@a.example?subject=leave%20it>"},
		{"repeated", []string{"https://a.example/", "https://a.example/"}, "<https://a.example/>"},
		{"folded between, never after the colon", []string{long, "mailto:u@a.example"}, "<" + long + ">,\r\n <mailto:u@a.example>"},
		{"comma inside", []string{"https://a.example/?a,b"}, "<https://a.example/?a,b>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Compose(tc.uris...)
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestComposeRefuses(t *testing.T) {
	for name, uris := range map[string][]string{
		"nothing":            nil,
		"empty":              {""},
		"plain http":         {"http://a.example/"},
		"http beside https":  {"https://a.example/", "http://a.example/"},
		"no scheme":          {"a.example"},
		"script":             {"javascript:alert(1)"},
		"CR":                 {"https://a.example/\rX"},
		"header injection":   {"https://a.example/\r\nBcc: x@y.example"},
		"LF":                 {"https://a.example/\nX"},
		"NUL":                {"https://a.example/\x00"},
		"space":              {"https://a.example/a b"},
		"tab":                {"https://a.example/a\tb"},
		"non-ASCII":          {"https://a.example/\u00e9"},
		"bad UTF-8":          {"https://a.example/\xff"},
		"closing bracket":    {"https://a.example/>,<https://b.example"},
		"quote":              {`https://a.example/"`},
		"stray percent":      {"https://a.example/%zz"},
		"no host":            {"https:///u/x"},
		"only a port":        {"https://:443/u/x"},
		"password":           {"https://u:p@a.example/"},
		"mailto nobody":      {"mailto:"},
		"mailto two people":  {"mailto:a@b.example,c@d.example"},
		"mailto no domain":   {"mailto:abc@"},
		"mailto bad query":   {"mailto:a@b.example?subject"},
		"mailto encoded LF":  {"mailto:a%0Ab@c.example"},
		"longer than a line": {"https://a.example/" + strings.Repeat("x", 961)},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Compose(uris...); !errors.Is(err, ErrURI) {
				t.Errorf("got %q, %v; want ErrURI", got, err)
			}
		})
	}
}

func TestComposeLineLimits(t *testing.T) {
	// 18 for the name, 2 brackets: 978 fit on the first line when it is the last.
	for size, fits := range map[int]bool{978: true, 979: false} {
		u := "https://a.example/" + strings.Repeat("x", size-18)
		if _, err := Compose(u); (err == nil) != fits {
			t.Errorf("a URI of %d octets: %v", size, err)
		}
	}
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		want        []string
	}{
		{"RFC 2369 section 3.2", "<mailto:list@host.com?subject=unsubscribe>", []string{"mailto:list@host.com?subject=unsubscribe"}},
		{"RFC 2369: comment before", "(Use this command to get off the list)\n     <mailto:list-manager@host.com?body=unsubscribe%20list>", []string{"mailto:list-manager@host.com?body=unsubscribe%20list"}},
		{"RFC 2369: two", "<http://www.host.com/list.cgi?cmd=unsub&lst=list>,\r\n    <mailto:list-request@host.com?subject=unsubscribe>", []string{"http://www.host.com/list.cgi?cmd=unsub&lst=list", "mailto:list-request@host.com?subject=unsubscribe"}},
		{"comma inside", "<https://a.example/?x,y>, <mailto:a@b.example>", []string{"https://a.example/?x,y", "mailto:a@b.example"}},
		{"folded inside a URI", "<https://a.example/\r\n abc\r\n\tdef>", []string{"https://a.example/abcdef"}},
		{"spaces within brackets", "< https://a.example/ >", []string{"https://a.example/"}},
		{"nested comment with brackets", `(a (b \) <https://no.example>) c) <https://a.example/>`, []string{"https://a.example/"}},
		{"comment between", "<https://a.example/> (or), <mailto:a@b.example> (mail)", []string{"https://a.example/", "mailto:a@b.example"}},
		{"parenthesis inside a URI", "<https://a.example/(x)>", []string{"https://a.example/(x)"}},
		{"unclosed comment hides nothing", "(oops <https://a.example/>", []string{"https://a.example/"}},
		{"no brackets", "https://a.example/, mailto:a@b.example", []string{"https://a.example/", "mailto:a@b.example"}},
		{"no commas", "<https://a.example/><mailto:a@b.example>", []string{"https://a.example/", "mailto:a@b.example"}},
		{"unclosed", "<https://a.example/x", []string{"https://a.example/x"}},
		{"unclosed before another", "<https://a.example/x, <mailto:a@b.example>", []string{"https://a.example/x", "mailto:a@b.example"}},
		{"unclosed before a bare one", "<https://a.example/x, mailto:a@b.example", []string{"https://a.example/x", "mailto:a@b.example"}},
		{"doubled brackets", "<<https://a.example/>>", []string{"https://a.example/"}},
		{"URL: in front", "<URL:https://a.example/>", []string{"https://a.example/"}},
		{"words around", "To leave: <https://a.example/> now", []string{"https://a.example/"}},
		{"encoded-word", "=?us-ascii?Q?=3Chttps=3A=2F=2Fa=2Eexample=2F=3E?=", []string{"https://a.example/"}},
		{"encoded-words, folded", "=?utf-8?B?PGh0dHBzOi8v?=\r\n =?utf-8?B?YS5leGFtcGxlLz4=?=", []string{"https://a.example/"}},
		{"empty brackets are skipped", "<>, <https://a.example/>", []string{"https://a.example/"}},
		{"control octets are skipped", "<https://a.example/\x00>, <mailto:a@b.example>", []string{"mailto:a@b.example"}},
		{"other scheme", "<ftp://ftp.host.com/list.txt>", []string{"ftp://ftp.host.com/list.txt"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Parse(tc.value)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	for _, value := range []string{"", " ", "NO", "<>", "(https://a.example/)", "ask the postmaster", "<\x01>", "=?utf-8?Q?no?="} {
		if got, err := Parse(value); !errors.Is(err, ErrNoURI) {
			t.Errorf("%q: got %q, %v; want ErrNoURI", value, got, err)
		}
	}
}

func TestParsePost(t *testing.T) {
	for value, want := range map[string]bool{
		PostValue:                             true,
		" List-Unsubscribe=One-Click\r\n":     true,
		"list-unsubscribe=one-click":          true,
		"\tLIST-UNSUBSCRIBE=ONE-CLICK ":       true,
		"":                                    false,
		"One-Click":                           false,
		"List-Unsubscribe":                    false,
		"List-Unsubscribe =One-Click":         false,
		"List-Unsubscribe=One-Click; a=b":     false,
		"\"List-Unsubscribe=One-Click\"":      false,
		"List-Unsubscribe=One\u2010Click":     false,
		"List-Unsubscribe=One-Click\u00a0":    false,
		"List-Unsubscribe-Post: " + PostValue: false,
	} {
		if got := ParsePost(value); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

func TestMailto(t *testing.T) {
	for _, tc := range []struct{ address, subject, want string }{
		{"u+abc234@feedback.example", "", "mailto:u+abc234@feedback.example"},
		{"u+abc@f.example", "leave this & that?", "mailto:u+abc@f.example?subject=leave%20this%20%26%20that%3F"},
		{`"a b"@f.example`, "", "mailto:%22a%20b%22@f.example"},
		{"a@b@f.example", "", "mailto:a%40b@f.example"},
	} {
		got, err := Mailto(tc.address, tc.subject)
		if err != nil || got != tc.want {
			t.Errorf("%q: got %q, %v", tc.address, got, err)
		}
	}
	for _, address := range []string{"", "@", "a@", "@b.example", "nobody"} {
		if got, err := Mailto(address, ""); !errors.Is(err, ErrURI) {
			t.Errorf("%q: got %q, %v", address, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("<https://a.example/u/x>, <mailto:u@a.example?subject=x>")
	f.Add("(comment) <URL:https://a.example/\r\n x>,<<mailto:a@b.example")
	f.Add("=?utf-8?B?PGh0dHBzOi8v?= https://a.example")
	f.Fuzz(func(t *testing.T, value string) {
		uris, err := Parse(value)
		if err != nil {
			if !errors.Is(err, ErrNoURI) || uris != nil {
				t.Fatalf("%q, %v", uris, err)
			}
			return
		}
		for _, u := range uris {
			if u == "" || !isPrintable(u) {
				t.Fatalf("URI %q", u)
			}
		}
		composed, err := Compose(uris...)
		if err != nil {
			return // parsing takes more than may be sent
		}
		for line := range strings.SplitSeq("List-Unsubscribe: "+composed, "\r\n") {
			if len(line) > maxLine || strings.ContainsAny(line, "\r\n") || strings.TrimSpace(line) == "" {
				t.Fatalf("line %q", line)
			}
		}
		again, err := Parse(composed)
		if err != nil {
			t.Fatal(err)
		}
		same, err := Compose(again...)
		if err != nil || same != composed {
			t.Fatalf("%q became %q, %v", composed, same, err)
		}
	})
}
