package webhook

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/store"
)

// The vendors' own libraries take our signatures, and none that was changed. They are
// a module of their own below testdata: the program must not depend on them.
func TestVendorsLibraries(t *testing.T) {
	program := filepath.Join(t.TempDir(), "vendors")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir, build.Env = filepath.Join("testdata", "vendors"), append(os.Environ(), "GOFLAGS=-mod=readonly", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("the vendors' libraries cannot be built here: %v\n%s", err, out)
	}
	verify := func(c map[string]any) error {
		in, err := json.Marshal(c)
		must(t, err)
		run := exec.CommandContext(t.Context(), program)
		run.Stdin = bytes.NewReader(in)
		out, err := run.CombinedOutput()
		t.Logf("%s: %s", c["Format"], strings.TrimSpace(string(out)))
		return err
	}
	for _, f := range []Format{SendGrid, Mailgun} {
		secret, shown, err := f.newSecret(counting{})
		must(t, err)
		s := newSite(t)
		r := s.receiver(t, Settings{Format: f, Secrets: []Secret{{Value: secret}}}, time.Now)
		for _, e := range []store.Event{event(1, store.EventUnsubscribed, nil), events()[5], events()[6]} {
			_, err := r.Send(t.Context(), []store.Event{e})
			must(t, err)
			got := s.last(t)
			c := map[string]any{
				"Format": f, "Key": shown, "Body": got.body, "Signature": got.header.Get("X-Twilio-Email-Event-Webhook-Signature"),
				"Timestamp": got.header.Get("X-Twilio-Email-Event-Webhook-Timestamp"),
			}
			if err := verify(c); err != nil {
				t.Errorf("%s: %v", f, err)
			}
			_, other, err := f.newSecret(other{})
			must(t, err)
			c["Key"] = other
			if verify(c) == nil {
				t.Errorf("%s: verified with another key", f)
			}
		}
	}
}

// other is another source of bytes than counting.
type other struct{}

func (other) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(7 * i)
	}
	return len(b), nil
}
