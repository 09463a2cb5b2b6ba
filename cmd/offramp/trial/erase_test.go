package trial

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The person of this trial has no word in common with anybody else.
const erasedPerson = "Zerlinda.Quittenbaum@xylophon.example"

// traces says where a part of the person's address stands in the data folder.
func traces(t *testing.T, dir string) (found []string) {
	t.Helper()
	files := 0
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, word := range []string{"zerlinda", "quittenbaum", "xylophon"} {
			if bytes.Contains(bytes.ToLower(content), []byte(word)) {
				found = append(found, word+" in "+filepath.Base(path))
			}
		}
		return nil
	}))
	if files < 3 {
		t.Fatalf("%d files in %s", files, dir)
	}
	return found
}

// Who has everything erased leaves no octet of their address in the data
// folder, gets no mail, and cannot be brought back by an import or a sending.
func TestErasedByThePage(t *testing.T) {
	c := startChoices(t)
	data := c.env["DATA_DIR"]
	witness := "witness@dest.example"
	c.mail(erasedPerson, witness)
	c.drained()
	page := c.process.open(sealed(c.process, weekly, erasedPerson))
	page = page.press("Unsubscribe")
	page.press("Send my answer", "reason", "other", "text", "I am "+erasedPerson)
	c.run("suppress", "add", erasedPerson, "--list", offers, "--note", "asked as "+erasedPerson)
	link, code := c.codeFor(c.s, erasedPerson, sealed(c.process, weekly, erasedPerson)+"?view=erase", eraseButton)
	c.open.Store(false)
	c.mail(erasedPerson, witness) // waits
	if before := strings.Join(traces(t, data), " "); !strings.Contains(before, "offramp.db") || !strings.Contains(before, "spool.db") {
		t.Fatalf("before the erasure only: %s", before)
	}
	gotBefore := deliveriesTo(c.s, erasedPerson)

	erased := c.process.open(link).press(eraseButton, "code", code)
	if erased.status != 200 || erased.heading() != "What we knew about you is erased" {
		t.Fatalf("%d %q\n%s", erased.status, erased.heading(), erased.text)
	}
	wantNoTraces := func(when string) {
		t.Helper()
		for _, found := range traces(t, data) {
			t.Errorf("%s: %s", when, found)
		}
	}
	c.scrubbed(20 * time.Second)
	wantNoTraces("while it runs")
	c.kill()
	wantNoTraces("killed")
	c.start()
	wantNoTraces("started again")

	// By every way back: an import that names the address in every place, and mail.
	file := filepath.Join(t.TempDir(), "people.csv")
	must(t, os.WriteFile(file, []byte("email,list,reason,created_at,note\n"+erasedPerson+","+adverts+",bounced,2026-11-01T00:00:00Z,of "+erasedPerson+"\n"), 0o600))
	if out, code := c.run("suppress", "import", file, "--yes"); code != 0 {
		t.Errorf("import: exit %d %s", code, out)
	}
	c.open.Store(true)
	c.run("queue", "flush")
	c.mail(erasedPerson, witness)
	c.drained()
	if n := deliveriesTo(c.s, erasedPerson) - gotBefore; n != 0 {
		t.Errorf("%d messages went to the person after the erasure", n)
	}
	if n := deliveriesTo(c.s, witness); n != 9 {
		t.Errorf("the witness has %d messages, want 9", n)
	}
	c.scrubbed(20 * time.Second)
	c.stop()
	wantNoTraces("imported and mailed again, stopped")
	if out, code := c.run("events", "verify"); code != 0 {
		t.Errorf("the ledger does not verify: %s", out)
	}
}
