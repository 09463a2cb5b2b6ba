package sqlite

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The person of these tests has no word in common with anybody else.
const (
	gone     = "zerlinda.quittenbaum@xylophon.example"
	goneWire = "Zerlinda.Quittenbaum@XYLOPHON.example"
)

// tracesOf is every form in which a person's address or a part of it could
// stand in a file, in lower case where its case does not matter.
func tracesOf() map[string][]byte {
	all := map[string][]byte{}
	for _, word := range []string{"zerlinda", "quittenbaum", "xylophon"} {
		all[word] = []byte(word)
	}
	for _, address := range []string{gone, goneWire, strings.ToUpper(gone)} {
		percent := ""
		for _, c := range []byte(address) {
			percent += fmt.Sprintf("%%%02x", c)
		}
		all["percent-encoded "+address] = []byte(percent)
		all["query-escaped "+address] = []byte(strings.ToLower(url.QueryEscape(address)))
		all["hex "+address] = []byte(hex.EncodeToString([]byte(address)))
		all["utf-16 "+address] = []byte(strings.ToLower(strings.Join(strings.Split(address, ""), "\x00")))
	}
	return all
}

// base64Of is what an address looks like within base64, wherever it begins:
// the digits that depend on nothing before or behind it.
func base64Of(address string) (all [][]byte) {
	for shift := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + address))
		all = append(all, []byte(text[4:len(text)-3]))
	}
	return all
}

// traces searches every byte of every file below dir and says what it found where.
func traces(t *testing.T, dir string) (found []string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := filepath.Base(path)
		// Not bytes.ToLower, which changes what is not UTF-8.
		lower := bytes.Clone(content)
		for i, c := range lower {
			if 'A' <= c && c <= 'Z' {
				lower[i] = c + 'a' - 'A'
			}
		}
		for what, trace := range tracesOf() {
			if at := bytes.Index(lower, trace); at >= 0 {
				found = append(found, fmt.Sprintf("%s in %s at %d, %d times", what, name, at, bytes.Count(lower, trace)))
			}
		}
		for _, address := range []string{gone, goneWire, strings.ToUpper(gone)} {
			for _, trace := range base64Of(address) {
				if bytes.Contains(content, trace) {
					found = append(found, fmt.Sprintf("base64 %s in %s", address, name))
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 2 {
		t.Fatalf("%d files in %s", files, dir)
	}
	return found
}

// wantNoTrace fails with every trace that is left.
func wantNoTrace(t *testing.T, dir, when string) {
	t.Helper()
	for _, f := range traces(t, dir) {
		t.Errorf("%s: %s", when, f)
	}
}

// TestTheSearchFindsEveryForm: a search that misses a form proves nothing.
func TestTheSearchFindsEveryForm(t *testing.T) {
	for name, form := range map[string]string{
		"as it is":         gone,
		"on the wire":      goneWire,
		"upper case":       strings.ToUpper(gone),
		"local part":       "rcpt=zerlinda.quittenbaum",
		"query":            url.QueryEscape(gone),
		"hex":              hex.EncodeToString([]byte(goneWire)),
		"HEX":              strings.ToUpper(hex.EncodeToString([]byte(gone))),
		"base64":           base64.StdEncoding.EncodeToString([]byte(gone)),
		"base64 in a line": base64.StdEncoding.EncodeToString([]byte("To: <" + goneWire + ">\r\n")),
		"base64url":        base64.RawURLEncoding.EncodeToString([]byte("ab" + gone)),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, content := range map[string]string{"a.db": "\x00\xff" + form + "\xff", "a.db-wal": "nothing"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if len(traces(t, dir)) == 0 {
				t.Errorf("%q is not found", form)
			}
		})
	}
}
