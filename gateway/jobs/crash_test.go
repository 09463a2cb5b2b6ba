package jobs

import (
	"bufio"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/exchange"
	"offramp/store"
)

var torture = flag.Bool("torture", false, "run the trials at full length")

// crashDir is the variable that makes this binary the process to be killed.
const crashDir = "OFFRAMP_TEST_IMPORT_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		os.Exit(crashing(dir))
	}
	os.Exit(m.Run())
}

// crashing works on the jobs of a folder until it is killed, or done.
func crashing(dir string) int {
	w, err := openWorld(context.Background(), dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("open")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	for running := false; ; {
		all, err := w.Jobs.Jobs(ctx)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		if all[0].State.Ended() {
			break
		}
		if all[0].State == store.JobRunning && !running {
			running = true
			fmt.Println("running")
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		fmt.Println(err)
		return 1
	}
	if err := w.db.Close(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// crashFile is a file of n rows in no order, some of them twice.
func crashFile(n int) string {
	random := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	b.WriteString("email,list,reason,created_at,note\n")
	for range n {
		i := random.IntN(n)
		reason := []string{"bounced", "complained", "unsubscribed", "manual"}[i%4]
		fmt.Fprintf(&b, "person%d@example.org,l%d,%s,2024-01-%02dT00:00:00Z,note %d\n", i, i%3, reason, 1+random.IntN(28), i%7)
	}
	return b.String()
}

// An import that is killed again and again, in its check and while it records, ends
// with the same records and the same ledger as one that nobody disturbs.
func TestTortureImport(t *testing.T) {
	rows, least := 30_000, 4
	if *torture {
		rows, least = 1_000_000, 15
	}
	file := crashFile(rows)
	quiet := newWorld(t, t.TempDir())
	begun := time.Now()
	want := quiet.load(t, file, Spec{Start: true})
	took := time.Since(begun)
	t.Logf("%d rows, %d records in %s", rows, want.Report.Records, took.Round(time.Millisecond))
	if want.State != store.JobDone || want.Tally.Added != want.Report.Records || want.Report.Records < int64(rows)/2 {
		t.Fatalf("%+v", want)
	}

	dir := t.TempDir()
	w, err := openWorld(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Import(t.Context(), "admin", Spec{Start: true}, strings.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	kills, window := 0, int64(took)/int64(2*least)
	for _, state := range []string{"open", "running"} {
		for range least {
			if !runAndKill(t, dir, state, time.Duration(rand.Int64N(window))) {
				kills++
			}
		}
	}
	for !runAndKill(t, dir, "open", time.Hour) {
		t.Error("it ends by itself, and is not done")
	}
	t.Logf("killed %d times", kills)
	if kills < least+1 {
		t.Errorf("only %d kills", kills)
	}

	w = newWorld(t, dir)
	if err := w.db.Consent().Verified(t.Context()); err != nil || w.db.Consent().Integrity().Damage != "" {
		t.Errorf("%+v, %v", w.db.Consent().Integrity(), err)
	}
	all, err := w.Jobs.Jobs(t.Context())
	if err != nil || len(all) != 1 || all[0].State != store.JobDone || all[0].Tally != want.Tally {
		t.Errorf("%+v, %v", all, err)
	}
	if d := cmp.Diff(want.Report, all[0].Report); d != "" || len(w.files(t)) > 0 {
		t.Errorf("%s, %q", d, w.files(t))
	}
	digest := func(w *world) [32]byte { return sha256.Sum256([]byte(w.export(t, Export{Format: exchange.CSV}))) }
	if a, b := digest(quiet), digest(w); a != b {
		t.Errorf("records differ: %x, %x", a, b)
	} else {
		t.Logf("digest over the records %x", a[:8])
	}
	a, err := quiet.db.Consent().Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := w.db.Consent().Head(t.Context()); err != nil || a.ID != b.ID || a.ID != want.Report.Records {
		t.Errorf("%d events, want %d for %d records, %v", b.ID, a.ID, want.Report.Records, err)
	}
}

// runAndKill kills the process some time after it is in a state, and says whether it
// came to its end before that.
func runAndKill(t *testing.T, dir, state string, after time.Duration) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		switch lines.Text() {
		case state:
			timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
		case "open", "running":
		default:
			t.Error(lines.Text())
		}
	}
	return cmd.Wait() == nil
}
