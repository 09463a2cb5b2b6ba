package gateway_test

import (
	"cmp"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"offramp/gateway/sink"
)

// module is a program of a package from npm that .ci/deps installs.
func module(t *testing.T, path string) string {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(cmp.Or(os.Getenv("TEST_PEERS"), filepath.Join(home, ".cache/offramp-tests")), path)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("not installed: %v", err)
		}
		t.Skipf("not installed (make deps does): %v", err)
	}
	return path
}

func node(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "NO_COLOR=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
}

// The document is valid by a validator that is not ours, and a client that a
// generator makes of it does with a served API what the document says.
func TestDocumentServesOthers(t *testing.T) {
	const key = "correct horse battery staple"
	h := newHouse(t, sink.Options{})
	h.config.Admin.Token = key
	g, _ := h.run()
	base := "http://" + g.Addrs().Admin
	r, err := http.NewRequest("GET", base+"/api/v1/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	document, err := io.ReadAll(res.Body)
	if err != nil || !strings.HasPrefix(string(document), "{") {
		t.Fatalf("%s, %v", res.Status, err)
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "openapi.json")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("validator", func(t *testing.T) {
		node(t, module(t, "redocly/node_modules/@redocly/cli/bin/cli.js"), "lint", "--max-problems", "20", file)
	})
	t.Run("generated client", func(t *testing.T) {
		node(t, module(t, "generator/node_modules/swagger-typescript-api/dist/cli.mjs"), "generate", "--js", "-p", file, "-o", folder, "-n", "client.js")
		if err := os.Rename(filepath.Join(folder, "client.js"), filepath.Join(folder, "client.mjs")); err != nil {
			t.Fatal(err)
		}
		node(t, "testdata/client/roundtrip.mjs", filepath.Join(folder, "client.mjs"), base, key)
	})
}
