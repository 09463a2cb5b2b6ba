package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/listunsub"
)

// Whatever a settings file holds: it is read or refused by line, what was set
// before stays, and no value keeps its quotes by halves.
func FuzzEnvFile(f *testing.F) {
	for _, seed := range []string{
		"", "A=b", "A=\"b c\" \n", "export A='x'", "# c\n; d\n\nA=1\r\nA=2\n", "=x", "A", "A=\"", "A B=1", "A=\"\\\"\\\\\"", "KEEP=other",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		env := map[string]string{"KEEP": "this"}
		err := parseEnvFile(strings.NewReader(text), "fuzz.env", env)
		if env["KEEP"] != "this" {
			t.Error("a value that was set is overwritten")
		}
		for name, value := range env {
			if name == "" || strings.ContainsAny(name, "\n\"'") || strings.Contains(value, "\n") {
				t.Errorf("read %q=%q", name, value)
			}
		}
		var usage *usageError
		if err != nil && !errors.As(err, &usage) {
			t.Errorf("%v is no fault of the settings", err)
		}
	})
}

// No text opens as a link unless the keys made it.
func FuzzInspect(f *testing.F) {
	ring, err := listunsub.ParseKeyRing(listunsub.NewKey())
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "https://a.example/u/AAAA", "<mailto:u+aaaa@a.example?subject=x>", "mailto:%zz", "u+a@b", "/p/", "http://[::1", "@"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v := inspect(ring, text); v.Valid {
			t.Errorf("%q opens as %+v", text, v)
		}
	})
}

// A link is known in every form a person may copy it in.
func TestInspect(t *testing.T) {
	ring, err := listunsub.ParseKeyRing(listunsub.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	token, err := ring.Seal(listunsub.Claims{List: "letter.example.org", Recipient: "ada@example.net", Purpose: listunsub.HeaderLink})
	if err != nil {
		t.Fatal(err)
	}
	body, err := ring.Seal(listunsub.Claims{List: "letter.example.org", Recipient: "ada@example.net", Purpose: listunsub.BodyLink})
	if err != nil {
		t.Fatal(err)
	}
	confirm, err := ring.Seal(listunsub.Claims{List: "letter.example.org", Recipient: "ada@example.net", Purpose: listunsub.ConfirmLink})
	if err != nil {
		t.Fatal(err)
	}
	local, _, err := ring.SealAddress(listunsub.AddressClaims{Kind: listunsub.OptOutAddress, ListKey: 7, Recipient: "ada@example.net"})
	if err != nil {
		t.Fatal(err)
	}
	for text, kind := range map[string]string{
		token: "header link", "https://out.example.org/u/" + token: "header link", "<https://out.example.org/u/" + token + ">": "header link",
		"https://out.example.org/p/" + body: "body link", "https://out.example.org/c/" + confirm: "confirmation link", local: "opt-out address", local + "@out.example.org": "opt-out address",
		"mailto:" + local + "@out.example.org?subject=unsubscribe": "opt-out address",
		strings.ToUpper(local) + "@OUT.EXAMPLE.ORG":                "opt-out address",
		"<mailto:u%2B" + local[2:] + "@out.example.org>":           "opt-out address",
		"u-" + local[2:] + "@out.example.org":                      "opt-out address",
		"u." + local[2:]:                                           "opt-out address",
	} {
		if v := inspect(ring, text); v.Kind != kind || v.Email != "ada@example.net" {
			t.Errorf("inspect(%q) = %+v, want %s", text, v, kind)
		}
	}
}

// Token keys are made once, for their owner alone, and stay.
func TestTokenKeysOnce(t *testing.T) {
	s := &settings{DataDir: t.TempDir()}
	if err := s.needTokenKeys(); err == nil {
		t.Error("keys are needed and none are there, and nobody says so")
	}
	first, made, err := s.tokenKeys()
	if err != nil || !made {
		t.Fatalf("first start: made %v, %v", made, err)
	}
	token, err := first.Seal(listunsub.Claims{List: "l", Recipient: "a@example.net", Purpose: listunsub.HeaderLink})
	if err != nil {
		t.Fatal(err)
	}
	// A key put in front: the old one still opens.
	path := filepath.Join(s.DataDir, tokenKeysFile)
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(listunsub.NewKey()+"\n"+string(old)), 0o600); err != nil {
		t.Fatal(err)
	}
	second, made, err := s.tokenKeys()
	if err != nil || made {
		t.Fatalf("second start: made %v, %v", made, err)
	}
	if _, err := second.Open(token, listunsub.HeaderLink); err != nil {
		t.Errorf("a link of the first start does not open: %v", err)
	}
}
