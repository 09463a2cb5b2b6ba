package webhook

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

// What docs/webhooks.md says of verifying a signature does so.
func TestDocumentedVerification(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "webhooks.md"))
	must(t, err)
	secret, shown, err := Standard.newSecret(counting{})
	must(t, err)
	s := newSite(t)
	r := s.receiver(t, Settings{Secrets: []Secret{{Value: secret}}}, time.Now)
	_, err = r.Send(t.Context(), []store.Event{event(1, store.EventUnsubscribed, nil)})
	must(t, err)
	got := s.last(t)
	headers := map[string]string{}
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		headers[name] = got.header.Get(name)
	}
	for _, c := range []struct{ after, program, call string }{
		{"Python:\n", "python3", "\nimport json, sys\nc = json.load(sys.stdin)\nprint(verify(c['secret'], c['headers'], c['body'].encode()))\n"},
		{"JavaScript (Node):\n", "node", "\nconst c = JSON.parse(require('node:fs').readFileSync(0));\nconsole.log(verify(c.secret, c.headers, Buffer.from(c.body)) ? 'True' : 'False');\n"},
	} {
		t.Run(c.program, func(t *testing.T) {
			if _, err := exec.LookPath(c.program); err != nil {
				t.Skip(err)
			}
			_, rest, found := strings.Cut(string(page), c.after)
			if !found {
				t.Fatalf("the page has no %q", c.after)
			}
			var code strings.Builder
			for line := range strings.Lines(strings.TrimLeft(rest, "\n")) {
				inner, indented := strings.CutPrefix(line, "    ")
				if !indented && strings.TrimSpace(line) != "" {
					break
				}
				code.WriteString(inner)
			}
			file := filepath.Join(t.TempDir(), "verify")
			must(t, os.WriteFile(file, []byte(code.String()+c.call), 0o600))
			for body, want := range map[string]string{string(got.body): "True", string(got.body) + " ": "False"} {
				in, err := json.Marshal(map[string]any{"secret": shown, "headers": headers, "body": body})
				must(t, err)
				run := exec.CommandContext(t.Context(), c.program, file)
				run.Stdin = strings.NewReader(string(in))
				out, err := run.CombinedOutput()
				if err != nil || strings.TrimSpace(string(out)) != want {
					t.Errorf("%s, want %s: %v", out, want, err)
				}
			}
		})
	}
}
