package mime

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the results into testdata")

// eachCase runs a test for every file of a folder. A file begins with the
// reason it is there; its section "in" is a message. What the test returns is
// compared with the other sections.
//
// Line ends in a section mean CRLF; \CR, \LF, \NUL and \xHH for bytes, and
// \ at the end of a line for no line end.
func eachCase(t *testing.T, folder string, run func(t *testing.T, in []byte) []txtar.File) {
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(a.Comment)) == 0 || len(a.Files) == 0 || a.Files[0].Name != "in" {
				t.Fatal("a case has a reason and a section in")
			}
			got := run(t, octets(string(a.Files[0].Data)))
			if *update {
				a.Files = append(a.Files[:1], got...)
				if err := os.WriteFile(name, txtar.Format(a), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(texts(a.Files[1:]), texts(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func texts(files []txtar.File) map[string]string {
	m := map[string]string{}
	for _, f := range files {
		m[f.Name] = string(f.Data)
	}
	return m
}

func octets(s string) []byte {
	s = strings.ReplaceAll(s, "\n", "\r\n")
	s = strings.NewReplacer("\\\r\n", "", `\CR`, "\r", `\LF`, "\n", `\NUL`, "\x00").Replace(s)
	var out []byte
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], `\x`) {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				out = append(out, byte(n))
				i += 3
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

func section(name string, p []byte) txtar.File {
	var b strings.Builder
	for i, c := range p {
		switch {
		case c == '\r' && i+1 < len(p) && p[i+1] == '\n':
		case c == '\n' && i > 0 && p[i-1] == '\r':
			b.WriteByte('\n')
		case c == '\r':
			b.WriteString(`\CR`)
		case c == '\n':
			b.WriteString(`\LF`)
		case c == 0:
			b.WriteString(`\NUL`)
		case c >= 0x80:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	if b.Len() > 0 && p[len(p)-1] != '\n' {
		b.WriteString("\\\n")
	}
	return txtar.File{Name: name, Data: []byte(b.String())}
}
