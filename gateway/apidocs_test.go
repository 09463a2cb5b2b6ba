package gateway_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/sink"
)

// example is a call in docs/api.md with the answer below it.
var example = regexp.MustCompile("(?s)```sh\n(curl .*?)```\n\n```json\n(.*?)```")

// varying is what differs from one run to the next.
var varying = regexp.MustCompile(`\d{4}-\d\d-\d\d(T[\d:.]+Z)?|curl/[\d.]+`)

// The calls of docs/api.md, one after the other as they stand there, are answered
// as they are there.
func TestDocumentedCalls(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	const key = "correct horse battery staple"
	h := newHouse(t, sink.Options{})
	h.config.Admin.Token = key
	g, _ := h.run()
	calls := example.FindAllStringSubmatch(string(page), -1)
	if len(calls) < 8 {
		t.Fatalf("%d calls", len(calls))
	}
	for _, c := range calls {
		script := strings.ReplaceAll(c[1], "127.0.0.1:8081", g.Addrs().Admin)
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(script, "curl ", "curl -sS ", 1))
		cmd.Env = append(os.Environ(), "KEY="+key)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v %s", c[1], err, out)
		}
		var want, got any
		if err := json.Unmarshal([]byte(varying.ReplaceAllString(c[2], "X")), &want); err != nil {
			t.Fatalf("%s: %v", c[2], err)
		}
		if err := json.Unmarshal([]byte(varying.ReplaceAllString(string(out), "X")), &got); err != nil {
			t.Fatalf("%s: %v in %s", c[1], err, out)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-page +answer):\n%s", c[1], d)
		}
	}
}
