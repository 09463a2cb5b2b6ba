package stream

import (
	"net/netip"
	"strings"
	"testing"
)

func TestRules(t *testing.T) {
	m := Mail{Login: "Shop", Client: netip.MustParseAddr("::ffff:192.0.2.7"), Sender: sender(t, "bounce+1@mail.shop.example")}
	fields := header(t, "From: News <News@Shop.example>\nSubject: =?utf-8?q?Unser_B=C3=BCcherbrief?=\nX-Order: 7\nx-order : 8\n\n")
	for _, tt := range []struct {
		rule string
		want bool
	}{
		{"login=shop", true},
		{"login=sh*", true},
		{"login=crm", false},
		{"network=192.0.2.0/24", true},
		{"network=192.0.2.7", true},
		{"network=::ffff:192.0.2.0/120", true},
		{"network=2001:db8::/32", false},
		{"sender=@mail.shop.example", true},
		{"sender=bounce+*@*", true},
		{"sender=@shop.example", false},
		{"from=news@shop.example", true},
		{"FROM=@SHOP.example", true},
		{"from=NEWS@Shop.EXAMPLE", true},
		{"from=@*.shop.example", false},
		{"from=shop.example", false},
		{"subject=*bücher*", true},
		{`subject="Unser *brief"`, true},
		{"subject=unser", false},
		{"subject=**", true},
		{"header:X-Order=8", true},
		{"header:x-order=*", true},
		{"header:X-Invoice=*", false},
		{"login=shop header:x-order=7", true},
		{"login=shop header:x-order=9", false},
	} {
		r, err := ParseRules(strings.NewReader("transactional " + tt.rule))
		if err != nil {
			t.Errorf("%s: %v", tt.rule, err)
			continue
		}
		if got := r.match(m, read(fields)) != nil; got != tt.want {
			t.Errorf("%s: %t", tt.rule, got)
		}
	}
}

// An international address matches in every spelling.
func TestInternationalAddresses(t *testing.T) {
	for _, rule := range []string{"from=@bücher.example", "from=@xn--bcher-kva.example", "from=jo\u0308rg@bücher.example", "from=JÖRG@BÜCHER.example"} {
		r, err := ParseRules(strings.NewReader("transactional " + rule))
		if err != nil {
			t.Fatal(err)
		}
		if r.match(Mail{}, read(header(t, "From: J <jörg@Bücher.example>\n\n"))) == nil {
			t.Errorf("%s does not match", rule)
		}
	}
}

func TestParseRules(t *testing.T) {
	_, err := ParseRules(strings.NewReader("\ufeff# newsletters\n\nlist \"Weekly news <weekly.example.com>\"\tfrom=news@example.com # theirs\r\n" +
		"  list  offers.example.com login=\"big shop\"  \nTransactional\n"))
	if err == nil || !strings.Contains(err.Error(), `line 5: a rule begins with list or transactional, not with "Transactional"`) {
		t.Errorf("error %v", err)
	}
	r, err := ParseRules(strings.NewReader("# newsletters\n\nlist \"Weekly news <weekly.example.com>\"\tfrom=news@example.com # theirs\r\nlist offers.example.com login=\"big shop\""))
	if err != nil || r.Len() != 2 {
		t.Fatalf("%d rules, %v", r.Len(), err)
	}
	if first := r.all[0]; first.List.ID != "weekly.example.com" || first.List.Name != "Weekly news" || first.name() != "rule in line 3" || len(first.conditions) != 1 {
		t.Errorf("%+v", first)
	}
	if second := r.all[1]; second.conditions[0].pattern != "big shop" || second.name() != "rule in line 4" {
		t.Errorf("%+v", second)
	}
	for line, want := range map[string]string{
		"list":                         "list needs the list's identifier",
		"list from=a@b":                "list needs the list's identifier",
		"list a.example":               "a rule needs a condition",
		"transactional":                "a rule needs a condition",
		"transactional from":           "invalid condition",
		"transactional from=":          "invalid condition",
		"transactional body=x":         "unknown condition",
		"transactional header:=x":      "unknown condition",
		"transactional network=x":      "invalid network",
		"transactional subject=\"open": "a quote is not closed",
		"list \"<>\" from=a@b.example": "invalid list",
		"drop from=a@b.example":        "a rule begins with",
		strings.Repeat("transactional login=x\n", maxRules+1): "too many rules",
		strings.Repeat("x\n", 100):                            "line 21: too many rules or errors",
		"x\n" + strings.Repeat("y", maxRule+10):               "line 2: longer than 4096 bytes",
	} {
		if _, err := ParseRules(strings.NewReader(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want one with %q", line, err, want)
		}
	}
}

func TestLike(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"a*c", "abc", true}, {"a*c", "ABCBC", true}, {"a*c", "abcd", false},
		{"*a*a*", "xaxa", true}, {"*a*a*", "xax", false}, {"a", "aa", false}, {"*b", "aab ", true},
	} {
		if got := like(tt.pattern, tt.s); got != tt.want {
			t.Errorf("%q on %q: %t", tt.pattern, tt.s, got)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add("list \"Weekly <w.example>\" from=a@b.example subject=\"x*\\\"\"\n# x\ntransactional network=10.0.0.0/8 header:x=*")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRules(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, rule := range r.all {
			if len(rule.conditions) == 0 || rule.Kind == Listed && rule.List.ID == "" || rule.line < 1 {
				t.Errorf("%+v", rule)
			}
		}
		r.match(Mail{}, read(header(t, "Subject: x\n\n")))
	})
}
