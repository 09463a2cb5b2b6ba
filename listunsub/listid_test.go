package listunsub

import (
	"errors"
	"strings"
	"testing"
)

func TestParseListID(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		want        ListID
	}{
		{"RFC 2919 section 3", "List Header Mailing List <list-header.nisto.com>", ListID{"List Header Mailing List", "list-header.nisto.com"}},
		{"RFC 2919: bare", "<commonspace-users.list-id.within.com>", ListID{"", "commonspace-users.list-id.within.com"}},
		{"RFC 2919: quoted", `"Lena's Personal Joke List" <lenas-jokes.da39efc25c530ad145d41b86f7420c3b.021999.localhost>`, ListID{"Lena's Personal Joke List", "lenas-jokes.da39efc25c530ad145d41b86f7420c3b.021999.localhost"}},
		{"quoted pairs and brackets", `"a \"b\" \\ <c>" <l.example>`, ListID{`a "b" \ <c>`, "l.example"}},
		{"encoded", "=?utf-8?Q?B=C3=BCcher?= =?utf-8?Q?_neu?= <l.example>", ListID{"Bücher neu", "l.example"}},
		{"encoded in quotes", `"=?iso-8859-1?Q?Caf=E9?=" <l.example>`, ListID{"Café", "l.example"}},
		{"other charset", "=?koi8-r?B?7s/Xz9PUyQ==?= <l.example>", ListID{"Новости", "l.example"}},
		{"unknown charset stays", "=?x-none?Q?abc?= <l.example>", ListID{"=?x-none?Q?abc?=", "l.example"}},
		{"encoded control characters", "=?utf-8?Q?a=0D=0ABcc:_x?= <l.example>", ListID{"a Bcc: x", "l.example"}},
		{"raw UTF-8", "Nachrichten für dich <l.example>", ListID{"Nachrichten für dich", "l.example"}},
		{"bad UTF-8", "a\xffb <l.example>", ListID{"a\uFFFDb", "l.example"}},
		{"folded", "News\r\n of the day\r\n\t<l.example>", ListID{"News of the day", "l.example"}},
		{"comment", "News (daily) <l.example>", ListID{"News", "l.example"}},
		{"no brackets", "neko.example.org", ListID{"", "neko.example.org"}},
		{"no brackets, comment", "neko.example.org (cats)", ListID{"", "neko.example.org"}},
		{"space in brackets", "< l.example\t>", ListID{"", "l.example"}},
		{"unclosed bracket", "News <l.example", ListID{"News", "l.example"}},
		{"unclosed quote", `"News <l.example>`, ListID{"News", "l.example"}},
		{"case is kept", "<News.Example.COM>", ListID{"", "News.Example.COM"}},
		{"longest", "<" + strings.Repeat("a", 255) + ">", ListID{"", strings.Repeat("a", 255)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseListID(tc.value)
			if err != nil || got != tc.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
	for _, value := range []string{"", "<>", "News <>", "< >", "<" + strings.Repeat("a", 256) + ">", "<l\u00e9.example>", "<a\x00b>"} {
		if got, err := ParseListID(value); !errors.Is(err, ErrListID) || got != (ListID{}) {
			t.Errorf("%q: got %+v, %v; want ErrListID", value, got, err)
		}
	}
}

func TestListIDCompose(t *testing.T) {
	for _, tc := range []struct {
		in   ListID
		want string
	}{
		{ListID{"", "l.example"}, "<l.example>"},
		{ListID{"Weekly news", "l.example"}, "Weekly news <l.example>"},
		{ListID{"News, daily", "l.example"}, `"News, daily" <l.example>`},
		{ListID{`a "b" \c`, "l.example"}, `"a \"b\" \\c" <l.example>`},
		{ListID{"Bücher", "l.example"}, "=?utf-8?B?QsO8Y2hlcg==?= <l.example>"},
		{ListID{"=?utf-8?Q?trick?=", "l.example"}, "=?utf-8?B?PT91dGYtOD9RP3RyaWNrPz0=?= <l.example>"},
		{ListID{"a\r\nBcc: x", "l.example"}, `"a Bcc: x" <l.example>`},
		{ListID{"A name of many words that goes on and on and does not end before the line", "l.example"},
			"A name of many words that goes on and on and does not end before the\r\n line <l.example>"},
	} {
		got, err := tc.in.Compose()
		if err != nil || got != tc.want {
			t.Errorf("%+v: got %q, %v; want %q", tc.in, got, err, tc.want)
		}
	}
	for _, id := range []string{"", "a b", "a>b", "a..b", ".a", "a.", "a\r\nb", "\u00e9.example", "a@b", strings.Repeat("a", 256)} {
		if got, err := (ListID{ID: id}).Compose(); !errors.Is(err, ErrListID) {
			t.Errorf("%q: got %q, %v; want ErrListID", id, got, err)
		}
	}
}

func TestListIDLongNames(t *testing.T) {
	for _, name := range []string{strings.Repeat("ж", 500), strings.Repeat("x", 5000), strings.Repeat("\"\\", 200), strings.Repeat("word ", 300) + "ü"} {
		checkListIDRoundTrip(t, ListID{name, strings.Repeat("a", 255)})
	}
}

func checkListIDRoundTrip(t *testing.T, l ListID) {
	t.Helper()
	value, err := l.Compose()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq("List-Id: "+value, "\r\n") {
		if len(line) > maxLine || strings.ContainsAny(line, "\r\n") || strings.IndexFunc(line, func(r rune) bool { return r > 0x7e }) >= 0 {
			t.Fatalf("line of %d octets: %q", len(line), line)
		}
	}
	got, err := ParseListID(value)
	if want := (ListID{cleanName(l.Name), l.ID}); err != nil || got != want {
		t.Fatalf("%+v became %q, then %+v, %v", l, value, got, err)
	}
}

func TestCanonicalID(t *testing.T) {
	sixty := strings.Repeat("a", 60)
	for _, tc := range []struct{ id, want string }{
		{"", ""},
		{" \t", ""},
		{"News.Example.COM", "news.example.com"},
		{" news.example.com\r\n", "news.example.com"},
		{sixty, sixty},
	} {
		if got := CanonicalID(tc.id); got != tc.want {
			t.Errorf("%q: got %q", tc.id, got)
		}
	}
	seen := make(map[string]string)
	for _, id := range []string{
		sixty + "a", sixty + "b", strings.Repeat("a", 300), "bücher.example", "buecher.example", "Bücher.example ", "a b", "a  b", "a\x00b",
		"\xff", "\xfe", "новости", "weekly news for everybody who ever bought anything from the shop",
	} {
		got := CanonicalID(id)
		if len(got) > MaxCanonicalID || !isPrintable(got) || got == "" {
			t.Errorf("%q became %q", id, got)
		}
		if again := CanonicalID(got); again != got {
			t.Errorf("%q became %q, then %q", id, got, again)
		}
		if other, ok := seen[got]; ok && !strings.EqualFold(strings.TrimSpace(other), strings.TrimSpace(id)) {
			t.Errorf("%q and %q are both %q", other, id, got)
		}
		seen[got] = id
	}
	if got := CanonicalID("bücher.example"); !strings.HasPrefix(got, "b-cher.example~") {
		t.Errorf("head is not readable: %q", got)
	}
	if CanonicalID("BÜCHER.example") != CanonicalID("bücher.example") {
		t.Error("case beyond ASCII counts")
	}
}

func TestListKey(t *testing.T) {
	// printf news.example.com | sha256sum
	if got := ListKey("news.example.com"); got != 0x8037a37484cd8f4c {
		t.Errorf("got %#x", got)
	}
	if ListKey(" NEWS.example.com") != ListKey("news.example.com") {
		t.Error("spelling counts")
	}
	if ListKey("a.example") == ListKey("b.example") {
		t.Error("two lists with one key")
	}
}

func FuzzParseListID(f *testing.F) {
	f.Add(`"a \"b\"" <l.example>`)
	f.Add("=?utf-8?Q?B=C3=BCcher?= (x) <l.example>")
	f.Add("l.example")
	f.Fuzz(func(t *testing.T, value string) {
		l, err := ParseListID(value)
		if err != nil {
			if !errors.Is(err, ErrListID) {
				t.Fatal(err)
			}
			return
		}
		if len(l.ID) == 0 || len(l.ID) > maxListID || !isPrintable(l.ID) || strings.ContainsAny(l.Name, "\r\n\x00") {
			t.Fatalf("%+v", l)
		}
		if c := CanonicalID(l.ID); CanonicalID(c) != c || len(c) > MaxCanonicalID {
			t.Fatalf("canonical %q", c)
		}
		if isDotAtom(l.ID) {
			checkListIDRoundTrip(t, l)
		}
	})
}
