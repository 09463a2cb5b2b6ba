package mime

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestCorpus: real mail goes through with every byte in its place. The corpus
// has no placeholder, so nothing is found in it; with many put into
// the bodies what is found is replaced and all else stays.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("MAIL_CORPUS")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("MAIL_CORPUS is not set")
		}
		t.Skip("MAIL_CORPUS is not set")
	}
	messages, found, recodings := 0, 0, 0
	decoded := t.TempDir()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".md" || filepath.Ext(path) == ".tsv" {
			return err
		}
		in, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		in = bytes.ReplaceAll(bytes.ReplaceAll(in, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
		h, body, err := readAll(Reader{RejectBare: true}, bytes.NewReader(in))
		if err != nil {
			t.Errorf("%s: refused: %v", path, err)
			return nil
		}
		messages++
		// Encoded for 7-bit transport, it is decoded to the same.
		if out, p, _ := recoded(t, in, true, nil); len(p.Edits) > 0 || p.Encoding != "" {
			write(t, filepath.Join(decoded, fmt.Sprint(messages, ".in")), in)
			write(t, filepath.Join(decoded, fmt.Sprint(messages, ".out")), out)
			recodings++
			if _, body, _ := bytes.Cut(out, []byte("\r\n\r\n")); !p.EightBit && !ASCII(body) {
				t.Errorf("%s: 8-bit content is left", path)
			}
		}
		if out := append(bytes.Clone(h.Without()), body...); !bytes.Equal(out, completed(in)) {
			t.Errorf("%s: octets changed", path)
		}
		if parts := scan(h, body); len(parts) > 0 {
			t.Errorf("%s: found %v", path, parts)
		}
		body = bytes.ReplaceAll(body, []byte("e "), []byte("e "+UnsubscribeURL+" "))
		parts := scan(h, body)
		checkSubstitution(t, body, substitute(t, body, parts, urls), parts, urls)
		found += len(parts)
		return nil
	})
	decodedAlike(t, decoded)
	t.Logf("%d messages, %d recoded", messages, recodings)
	if err != nil || messages < 300 || found < 100 {
		t.Errorf("%d messages, %d parts, %v", messages, found, err)
	}
}

var (
	fieldLine     = regexp.MustCompile("^[!-9;-~\\x80-\\xff]+[ \t]*:")
	separatorLine = regexp.MustCompile("^>*From ")
)

// completed is in with the insertions the package comment names, line by line.
func completed(in []byte) []byte {
	if len(in) > 0 && !bytes.HasSuffix(in, []byte("\r\n")) {
		in = append(bytes.Clone(in), "\r\n"...)
	}
	var out []byte
	lines := bytes.SplitAfter(in, []byte("\n"))
	top := true
	for i, line := range lines {
		switch goesOn := i > 0 && len(line) > 0 && (line[0] == ' ' || line[0] == '\t'); {
		case bytes.Equal(line, []byte("\r\n")):
			return append(out, bytes.Join(lines[i:], nil)...)
		case top && separatorLine.Match(line):
			out = append(out, "X-Mailbox-Line: "...)
		case top && !goesOn && len(line) > 0 && !isoMatch(fieldLine, line):
			return append(append(out, "\r\n"...), bytes.Join(lines[i:], nil)...)
		case !goesOn:
			top = false
		}
		out = append(out, line...)
	}
	return append(out, "\r\n"...)
}

// isoMatch matches bytes, not runes.
func isoMatch(r *regexp.Regexp, line []byte) bool {
	runes := make([]rune, len(line))
	for i, b := range line {
		runes[i] = rune(b)
	}
	return r.MatchString(string(runes))
}
