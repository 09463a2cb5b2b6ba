package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/gateway/record"
)

// The file of a cancelled import is gone: the command says what to do instead.
func TestResumeOfACancelledImport(t *testing.T) {
	r := newRestored(t)
	path := filepath.Join(t.TempDir(), "people.txt")
	succeeds(t, os.WriteFile(path, []byte("ada@dest.example\n"), 0o600))
	r.must("suppress", "import", path, "--dry-run")
	var out bytes.Buffer
	if code := r.app(&out, time.Now).run([]string{"suppress", "import", "--status", "--json"}); code != exitOK {
		t.Fatal(out.String())
	}
	var job record.Import
	succeeds(t, json.NewDecoder(strings.NewReader(out.String())).Decode(&job))
	r.fails(exitFailed, "cancelled and its file is gone: import the file again", "suppress", "import", "--resume", job.ID)
}
