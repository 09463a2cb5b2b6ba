package trial

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"offramp/gateway/mime"
)

// What template engines and serializers make of a placeholder is found and
// replaced, in braces and as an address.
func TestTemplateEngines(t *testing.T) {
	python(t, "lxml, django")
	needs(t, "node")
	mustache := "/usr/share/nodejs/mustache"
	if _, err := os.Stat(mustache); err != nil {
		lacking(t, mustache)
	}
	for _, link := range []string{mime.UnsubscribeURL, mime.UnsubscribeAddress} {
		pages := map[string]string{}
		for name, source := range map[string]string{
			"Go html/template":      `<a href="{{.}}">Unsubscribe</a>`,
			"Go unquoted attribute": `<a href={{.}}>Unsubscribe</a>`,
			"Go query":              `<a href="{{.}}?utm_source=news">Unsubscribe</a>`,
			"Go text":               `<p>{{.}}</p>`,
		} {
			var out bytes.Buffer
			must(t, template.Must(template.New("").Parse(source)).Execute(&out, link))
			pages[name] = out.String()
		}
		engines(t, pages, "/usr/bin/python3", "testdata/templates/render.py", link)
		engines(t, pages, "node", "testdata/templates/render.js", link)
		if len(pages) < 16 {
			t.Fatalf("%d pages", len(pages))
		}
		for name, page := range pages {
			t.Run(fmt.Sprint(name, " ", link), func(t *testing.T) {
				got := filled(t, page)
				if !strings.Contains(got, "https://offramp.example/p/TOKEN") || strings.Contains(got, "offramp.invalid") || strings.Contains(got, "unsubscribe_url") {
					t.Errorf("%s\nbecame\n%s", page, got)
				}
			})
		}
	}
}

// engines adds the pages that a program writes.
func engines(t *testing.T, pages map[string]string, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "NODE_PATH=/usr/share/nodejs")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(args[0]), err)
	}
	for line := range bytes.Lines(out) {
		var page [2]string
		must(t, json.Unmarshal(line, &page))
		pages[page[0]] = page[1]
	}
}

func filled(t *testing.T, page string) string {
	t.Helper()
	body := strings.ReplaceAll(page, "\n", "\r\n") + "\r\n"
	s := mime.NewScanner(mime.ParseHeader([]byte("Content-Type: text/html; charset=utf-8\r\n\r\n")))
	s.Write([]byte(body))
	var out strings.Builder
	must(t, mime.Rewrite(&out, strings.NewReader(body), mime.Combine(nil, s.Parts()), map[string]string{mime.UnsubscribeURL: "https://offramp.example/p/TOKEN"}))
	return out.String()
}
