package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/store"
)

// crashDir is the variable that makes this binary the process to be killed.
const crashDir = "OFFRAMP_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		crashing(dir)
	}
	os.Exit(m.Run())
}

// crashing takes mail, opt-outs and results until it is killed, and says on
// its standard output what was acknowledged: "+id" for a message, "-id" for
// one that was settled, "!person" for a choice.
func crashing(dir string) {
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: dir, PersonKey: testKey})
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	say := func(what, id string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			what, id = "? ", err.Error()
		}
		_, _ = os.Stdout.WriteString(what + id + "\n")
	}
	start := fmt.Sprint(time.Now().UnixNano())
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%s-%d-%d", start, w, i)
				say("+", id, crashPut(ctx, db.Spool(), id, i))
				_, err := db.Consent().Decide(ctx, optOut(id))
				say("!", id, err)
			}
		}()
	}
	for {
		jobs, err := db.Spool().Lease(ctx, time.Now(), 8, nil)
		if err != nil {
			say("", "", err)
		}
		for _, j := range jobs {
			if j.Recipient.ID%2 == 0 { // the other recipient stays
				say("-", j.Message.ID, db.Spool().Settle(ctx, store.Result{Recipient: j.Recipient.ID}))
			}
		}
	}
}

// crashBody is the body of a message of the test; some have several chunks.
func crashBody(id string) string {
	n := 100
	if strings.HasSuffix(id, "7") {
		n = 12_000
	}
	return strings.Repeat(id+"\n", n)
}

func crashPut(ctx context.Context, s *Spool, id string, i int) error {
	d, err := s.Create(ctx)
	if err != nil {
		return err
	}
	defer d.Abort()
	if _, err := d.Write([]byte(crashBody(id))); err != nil {
		return err
	}
	now := time.Now()
	return d.Commit(ctx, &store.Message{ID: id, Received: now}, []store.Recipient{{Domain: "a", Next: now}, {Domain: "b", Next: now}})
}

// TestKilled kills a process at work, again and again on the same data:
// everything that was acknowledged is there, and nothing in part.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	put, settled, chosen := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for round := range 3 {
		for _, line := range killAfter(t, dir, 60+round*83) {
			id := line[1:]
			switch line[0] {
			case '+':
				put[id] = true
			case '-':
				settled[id] = true
			case '!':
				chosen[id] = true
			default:
				t.Fatalf("child: %s", line)
			}
		}
		checkKilled(t, dir, put, settled, chosen)
	}
	if len(put) < 20 || len(settled) < 5 || len(chosen) < 20 {
		t.Fatalf("too little happened: %d %d %d", len(put), len(settled), len(chosen))
	}
}

// killAfter runs the child until it said so many lines and returns them.
func killAfter(t *testing.T, dir string, lines int) (said []string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err != nil { // what was said before the end counts, a cut line does not
			break
		}
		said = append(said, strings.TrimSuffix(line, "\n"))
		if len(said) == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // "signal: killed"
	if len(said) < lines {
		t.Fatalf("child ended by itself: %q", said)
	}
	return said
}

func checkKilled(t *testing.T, dir string, put, settled, chosen map[string]bool) {
	t.Helper()
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: dir, PersonKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	queue, err := db.Spool().Queue(ctx, store.QueueFilter{Limit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, e := range queue {
		id := e.Message.ID
		there[id] = true
		if n := len(e.Recipients); n != 2 && !(n == 1 && e.Recipients[0].Domain == "b") {
			t.Fatalf("%s has %d recipients", id, n)
		}
		if settled[id] && len(e.Recipients) != 1 {
			t.Fatalf("%s was settled and is not", id)
		}
		b, err := db.Spool().Body(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		got := new(strings.Builder)
		if _, err := bufio.NewReader(b).WriteTo(got); err != nil || got.String() != crashBody(id) {
			t.Fatalf("body of %s differs: %v", id, err)
		}
	}
	for id := range put {
		if !there[id] {
			t.Fatalf("%s was acknowledged and is lost", id)
		}
	}
	for id := range chosen {
		st, err := db.Consent().Standing(ctx, id, "")
		if err != nil || len(st.Choices) != 1 {
			t.Fatalf("the choice of %s was acknowledged and is lost: %v", id, err)
		}
	}
	u, err := db.Spool().Usage(ctx)
	if err != nil || u.Messages != len(queue) {
		t.Fatalf("%d messages are counted, %d are there: %v", u.Messages, len(queue), err)
	}
	for f, query := range map[*file]string{
		db.consent.file: "SELECT recipient FROM choices WHERE recipient NOT IN (SELECT recipient FROM events) UNION SELECT recipient FROM events WHERE recipient NOT IN (SELECT recipient FROM choices)",
		db.spool.file:   "SELECT message FROM chunks WHERE message NOT IN (SELECT num FROM messages)",
	} {
		if err := f.readers.do(ctx, func(c *conn) error {
			return c.query(query, func(r row) error { return fmt.Errorf("half of %v", r[0]) })
		}); err != nil {
			t.Fatal(err)
		}
	}
}
