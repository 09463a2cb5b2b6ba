package listunsub

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func lintCases(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/lint/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	return files
}

// TestLint lints every message of testdata/lint. Its field X-Reason says what
// the case is for, the golden file what is found.
func TestLint(t *testing.T) {
	for _, name := range lintCases(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".eml"), func(t *testing.T) {
			message, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(message, []byte("X-Reason: ")) {
				t.Fatal("no reason")
			}
			var got strings.Builder
			for _, f := range Lint(message) {
				got.WriteString(f.String() + "\n")
			}
			golden := strings.TrimSuffix(name, ".eml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestLintRulesHaveCases: every rule there is, and no other, is found in a case.
func TestLintRulesHaveCases(t *testing.T) {
	rules := make(map[string]bool)
	for _, file := range []string{"lint.go", "lintdkim.go", "linturi.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range strings.Split(string(source), "l.add(")[1:] {
			rule, _, _ := strings.Cut(strings.SplitN(call, `"`, 2)[1], `"`)
			rules[rule] = false
		}
	}
	for _, name := range lintCases(t) {
		message, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range Lint(message) {
			if _, ok := rules[f.Rule]; !ok {
				t.Errorf("rule %s is not in the source", f.Rule)
			}
			rules[f.Rule] = true
		}
	}
	for rule, found := range rules {
		if !found {
			t.Errorf("no case finds %s", rule)
		}
	}
}

// TestLintLineEnds: CRLF and LF are the same message.
func TestLintLineEnds(t *testing.T) {
	for _, name := range lintCases(t) {
		message, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lf := bytes.ReplaceAll(message, []byte("\r\n"), []byte("\n"))
		crlf := bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n"))
		if d := cmp.Diff(Lint(lf), Lint(crlf)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestLintLikesOurs: what this package composes has no finding.
func TestLintLikesOurs(t *testing.T) {
	r := testRing(t, 1)
	token := mustSeal(t, r, adasClaims)
	local := mustSealAddress(t, r, AddressClaims{Kind: OptOutAddress, ListKey: 1, Recipient: "ada@example.net"})
	mailto, err := Mailto(local+"@lists.example.com", "unsubscribe")
	if err != nil {
		t.Fatal(err)
	}
	value, err := Compose(mailto, "https://lists.example.com/u/"+token)
	if err != nil {
		t.Fatal(err)
	}
	id, err := ListID{Name: "Wöchentliche Neuigkeiten", ID: "news.example.com"}.Compose()
	if err != nil {
		t.Fatal(err)
	}
	message := "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1;\r\n" +
		" h=From:List-Id:List-Unsubscribe:List-Unsubscribe:List-Unsubscribe-Post:List-Unsubscribe-Post;\r\n bh=YWJj; b=YWJj\r\n" +
		"List-Unsubscribe: " + value + "\r\nList-Unsubscribe-Post: " + PostValue + "\r\nList-Id: " + id +
		"\r\nFrom: Ann <ann@example.com>\r\nTo: ada@example.net\r\n\r\nHello\r\n"
	for _, f := range Lint([]byte(message)) {
		t.Errorf("%v in\n%s", f, message)
	}
}

func TestShowsAddress(t *testing.T) {
	for s, want := range map[string]string{
		"/u?e=ada@example.net":                      "in clear",
		"/u/ada@example.net/x":                      "in clear",
		"/u?e=ada%40example.net":                    "in percent-encoding",
		"/u?e=ada%2540example.net":                  "in percent-encoding",
		"/u/YWRhQGV4YW1wbGUubmV0":                   "in base64 or hexadecimal digits",
		"/u?x=1&e=YWRhQGV4YW1wbGUubmV0&y=2":         "in base64 or hexadecimal digits",
		"/u?e=eyJlbWFpbCI6ImFkYUBleGFtcGxlLm5ldCJ9": "in base64 or hexadecimal digits",
		"/u?e=YWRhQGV4YW1wbGUubmV0Cg%3D%3D":         "in base64 or hexadecimal digits",
		"/u/616461406578616d706c652e6e6574":         "in base64 or hexadecimal digits",
		"/u?e=PD8_YWRhQGV4YW1wbGUubmV0":             "in base64 or hexadecimal digits",
		"/u?q=Pz8/YWRhQGV4YW1wbGUubmV0":             "in base64 or hexadecimal digits",
		"/u/gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXeEBhLmJjoKGio6SlpqeoqaqrrK2ur7CxsrO0tba3": "", // chance, among bytes that are encrypted
		"/@handle/u":         "",
		"/u@2.9":             "",
		"/u/0123456789":      "",
		"/u?a=b&c=d.example": "",
		"":                   "",
	} {
		if got := showsAddress(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func FuzzLint(f *testing.F) {
	for _, name := range lintCases(f) {
		message, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(message)
	}
	f.Add([]byte("From x\n\ny"))
	f.Fuzz(func(t *testing.T, message []byte) {
		lines := bytes.Count(message, []byte("\n")) + 1
		found := Lint(message)
		for _, f := range found {
			if f.Rule == "" || f.Section == "" || f.Text == "" || f.Severity != Error && f.Severity != Warning || f.Line < 0 || f.Line > lines {
				t.Fatalf("%+v", f)
			}
			if strings.ContainsAny(f.String(), "\r\n") {
				t.Fatalf("more than one line: %q", f)
			}
		}
		// One good field more in front is a duplicate, and never fewer findings than none.
		if fields := splitHeader(message); len(fields) == 0 && len(found) == 0 {
			t.Fatalf("nothing said about %q", message)
		}
	})
}
