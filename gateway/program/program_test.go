package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/gateway/record"
	"offramp/store"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shell is a program that runs a script with a folder of its own as $1.
func shell(t *testing.T, script string) (*Program, string) {
	t.Helper()
	dir := t.TempDir()
	p, err := New(Config{Command: "sh -c '" + script + "' program " + dir, Timeout: 20 * time.Second})
	must(t, err)
	p.Env = []string{"PATH=/usr/bin:/bin"}
	p.Encode = func(e store.Event) any { return map[string]any{"id": e.ID, "recipient": e.Recipient} }
	return p, dir
}

var two = []store.Event{{ID: 1, Recipient: "a<b>&\"\n@example.net"}, {ID: 2, Recipient: "c@example.net"}}

func TestSend(t *testing.T) {
	p, dir := shell(t, `cat >> "$1/seen"; env > "$1/env"; echo done >&2`)
	var said bytes.Buffer
	p.Log = slog.New(slog.NewTextHandler(&said, nil))
	for range 2 {
		if n, err := p.Send(context.Background(), two); n != 2 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	seen, err := os.ReadFile(filepath.Join(dir, "seen"))
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(seen)), "\n")
	var first struct {
		ID        int64
		Recipient string
	}
	must(t, json.Unmarshal([]byte(lines[0]), &first))
	if len(lines) != 4 || first.ID != 1 || first.Recipient != two[0].Recipient || strings.Contains(lines[0], `\u003c`) {
		t.Errorf("lines %q", lines)
	}
	env, err := os.ReadFile(filepath.Join(dir, "env"))
	must(t, err)
	if strings.Contains(string(env), "HOME=") || !strings.Contains(string(env), "PATH=/usr/bin:/bin") {
		t.Errorf("environment %s", env)
	}
	if !strings.Contains(said.String(), "text=done") {
		t.Errorf("log %s", said.String())
	}
	if n, err := p.Send(context.Background(), nil); n != 0 || err != nil {
		t.Errorf("nothing: %d, %v", n, err)
	}
}

func TestNotTaken(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"fails":              {`cat > /dev/null; exit 3`, "exit status 3"},
		"fails unread":       {`exit 75`, "exit status 75"},
		"killed":             {`kill -9 $$`, "signal: killed"},
		"says what is wrong": {`echo no database >&2; exit 1`, "exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := shell(t, c.script)
			var said bytes.Buffer
			p.Log = slog.New(slog.NewTextHandler(&said, nil))
			if n, err := p.Send(context.Background(), two); n != 0 || err == nil || err.Error() != c.want {
				t.Errorf("%d, %v, want %s", n, err, c.want)
			}
			if name == "says what is wrong" && !strings.Contains(said.String(), `level=WARN`) {
				t.Errorf("log %s", said.String())
			}
		})
	}
	// What it does not read is no fault of it.
	p, _ := shell(t, "exit 0")
	many := slices.Repeat([]store.Event{{Recipient: strings.Repeat("x", 1000)}}, 1000)
	if n, err := p.Send(context.Background(), many); n != len(many) || err != nil {
		t.Errorf("unread: %d, %v", n, err)
	}
}

// gone waits until a process has ended.
func gone(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(t, err)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("process %d still runs", pid)
		}
	}
}

// What takes too long is killed, with all that it started.
func TestTimeLimit(t *testing.T) {
	p, dir := shell(t, `sleep 600 & echo $! > "$1/pid"; wait`)
	p.Timeout = 300 * time.Millisecond
	began := time.Now()
	if n, err := p.Send(context.Background(), two); n != 0 || !errors.Is(err, ErrTime) {
		t.Errorf("%d, %v", n, err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
	gone(t, dir)
}

// What a program leaves behind ends with it, also when it holds our pipe open.
func TestLeftBehind(t *testing.T) {
	p, dir := shell(t, `sleep 600 & echo $! > "$1/pid"; cat > /dev/null`)
	if n, err := p.Send(context.Background(), two); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	gone(t, dir)
}

func TestStopped(t *testing.T) {
	p, dir := shell(t, `echo $$ > "$1/pid"; exec sleep 600`)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for {
			if text, _ := os.ReadFile(filepath.Join(dir, "pid")); len(text) > 0 {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if n, err := p.Send(ctx, two); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d, %v", n, err)
	}
	gone(t, dir)
}

func TestStderrIsBounded(t *testing.T) {
	p, _ := shell(t, `yes | head -c 10000000 >&2; echo end >&2`)
	var said bytes.Buffer
	p.Log = slog.New(slog.NewTextHandler(&said, nil))
	if _, err := p.Send(context.Background(), two); err != nil {
		t.Fatal(err)
	}
	if said.Len() > 8<<10 || !strings.Contains(said.String(), "end") {
		t.Errorf("%d bytes logged", said.Len())
	}
}

func TestWords(t *testing.T) {
	for line, want := range map[string][]string{
		"/usr/bin/crm":                     {"/usr/bin/crm"},
		" crm  --to\t'a b' ":               {"crm", "--to", "a b"},
		`crm "it's" 'say "x"' a\ b "\"\\"`: {"crm", "it's", `say "x"`, "a b", `"\`},
		`sh -c 'cat > "$HOME/x" && true'`:  {"sh", "-c", `cat > "$HOME/x" && true`},
		`crm $HOME * ; rm`:                 {"crm", "$HOME", "*", ";", "rm"}, // no shell
		`crm ''`:                           {"crm", ""},
		"":                                 nil, "  ": nil, "crm 'x": nil, `crm "x`: nil, `crm \`: nil, "''": nil, "crm\x00": nil,
	} {
		got, err := Words(line)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%q: %q, %v, want %q", line, got, err, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add(`crm "it's" a\ b`)
	f.Add("\\\x00")
	f.Fuzz(func(t *testing.T, line string) {
		words, err := Words(line)
		if err != nil {
			return
		}
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		again, err := Words(strings.Join(quoted, " "))
		if err != nil || !slices.Equal(again, words) {
			t.Errorf("%q, %q, %v", words, again, err)
		}
	})
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"nothing":    {Config{}, ""},
		"usual":      {Config{Command: "/usr/bin/crm --x", Timeout: time.Minute}, ""},
		"open quote": {Config{Command: "crm 'x"}, "OFFRAMP_EXEC: has a ' that is not closed"},
		"no kind":    {Config{Command: "crm", Kinds: []string{"unsubscribe"}}, `OFFRAMP_EXEC_KINDS: kind "unsubscribe": want one of unsubscribed, `},
		"too short":  {Config{Command: "crm", Timeout: time.Millisecond}, "OFFRAMP_EXEC_TIMEOUT"},
		"too long":   {Config{Command: "crm", Timeout: 2 * time.Hour}, "OFFRAMP_EXEC_TIMEOUT"},
	} {
		err := c.config.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(Config{Command: "/nowhere/crm"}); err == nil || !strings.Contains(err.Error(), "OFFRAMP_EXEC") {
		t.Errorf("%v", err)
	}
}

// The example of docs/databases.md takes events, also twice.
func TestDocumentedProgram(t *testing.T) {
	text, err := os.ReadFile("../../docs/databases.md")
	must(t, err)
	_, after, ok := strings.Cut(string(text), "<!-- snippet: program -->\n```sh\n")
	example, _, ok2 := strings.Cut(after, "```\n")
	if !ok || !ok2 {
		t.Fatal("no example")
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "left")
	must(t, os.WriteFile(script, []byte(example), 0o755))
	p, err := New(Config{Command: script, Timeout: 20 * time.Second})
	must(t, err)
	p.Env = []string{"PATH=/usr/bin:/bin", "LEFT_FILE=" + dir + "/addresses"}
	p.Encode = func(e store.Event) any { return record.EventOf(e) }
	var all []store.Event
	for i, who := range []string{"ada@example.net", "o'neil@example.net", "bob@example.net", "ada@example.net"} {
		all = append(all, store.Event{ID: int64(i), Kind: store.EventUnsubscribed, Recipient: who, List: "news.example.com"})
	}
	all[2].Kind = store.EventResubscribed
	for range 2 {
		if n, err := p.Send(context.Background(), all); n != len(all) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	got, err := os.ReadFile(dir + "/addresses")
	must(t, err)
	if want := "ada@example.net\no'neil@example.net\n"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}
