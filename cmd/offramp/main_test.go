package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"offramp/store"
)

var update = flag.Bool("update", false, "write the settings into docs/settings.md")

// The scripts run this test binary as the program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"offramp": main})
}

// Sessions with the program, as an operator has them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			// Under the race detector a program that ends waits a second for reports.
			env.Setenv("GORACE", "atexit_sleep_ms=10")
			env.Setenv("SMTP", freeAddr(t))
			env.Setenv("HTTP", freeAddr(t))
			env.Setenv("ADMIN", freeAddr(t))
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Getuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitready": waitReady,
			"listen":    listen,
			"mode":      mode,
			"exits":     exits,
			"sendmail":  sendMail,
		},
	})
}

// nextPort is below the ports that the system gives away by itself, so that
// nobody takes one between here and its use.
var nextPort atomic.Int32

// freeAddr returns a loopback address nothing listens on, another each time.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 5000 {
		port := 10000 + (os.Getpid()*100+int(nextPort.Add(1)))%10000
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

// The settings in docs/settings.md are those of the program.
func TestSettingsPage(t *testing.T) {
	const begin, end = "<!-- settings:begin -->\n", "<!-- settings:end -->"
	path := filepath.Join("..", "..", "docs", "settings.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	if !ok {
		t.Fatalf("docs/settings.md has no line %q", strings.TrimSpace(begin))
	}
	got, after, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatalf("docs/settings.md has no line %q", end)
	}
	want := settingsTables()
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/settings.md differs from the program (go test ./cmd/offramp -run SettingsPage -update writes it):\n%s", diff)
	}
}

// Every setting has one name and says what it means.
func TestSettingsDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range fieldsOf(new(settings)) {
		if seen[f.Name] {
			t.Errorf("%s is the name of two settings", f.Name)
		}
		seen[f.Name] = true
		if f.Doc == "" {
			t.Errorf("%s has no doc tag", f.Name)
		}
	}
	for _, name := range []string{
		"HOSTNAME", "SMTP_ADDR", "SMTPS_ADDR", "HTTP_ADDR", "ADMIN_ADDR", "PUBLIC_URL", "FEEDBACK_DOMAIN", "NEXT_HOP",
		"NEXT_HOP_CONNECTIONS", "TRUSTED_NETWORKS", "SMTP_USERS", "TOKEN_KEYS", "DKIM_KEYS", "DATA_DIR", "DATABASE_URL",
		"ADMIN_TOKEN", "TLS_CERT_FILE", "TLS_KEY_FILE", "ACME_EMAIL", "MAX_MESSAGE_SIZE", "DEFAULT_STREAM", "SUPPRESSED",
		"EXISTING_HEADER", "LOG_LEVEL", "LOG_FORMAT",
	} {
		if !seen[prefix+name] {
			t.Errorf("OFFRAMP_%s, a name others rely on (DESIGN section 5), is gone", name)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"SMTP_ADDR", "SMTP_ADDR", 0}, {"SMPT_ADDR", "SMTP_ADDR", 1}, {"SMTPADDR", "SMTP_ADDR", 1}, {"", "AB", 2}, {"KITTEN", "SITTING", 3}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestUnquote(t *testing.T) {
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{"plain", "plain", true}, {`"a b"`, "a b", true}, {`'a "b" \c'`, `a "b" \c`, true}, {`"a \"b\" \\c"`, `a "b" \c`, true},
		{`"open`, "", false}, {`"`, "", false}, {"", "", true}, {`a"b"`, `a"b"`, true},
	} {
		if got, ok := unquote(c.in); got != c.want || ok != c.ok {
			t.Errorf("unquote(%s) = %q, %v, want %q, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

// A record is split where DNS needs it and is whole again when joined.
func TestQuoteTXT(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 510, 511} {
		value := strings.Repeat("k", n)
		quoted := quoteTXT(value)
		var joined strings.Builder
		for part := range strings.FieldsSeq(strings.Trim(quoted, "() ")) {
			text := strings.Trim(part, `"`)
			if len(text) > 255 {
				t.Errorf("%d octets: a string of %d", n, len(text))
			}
			joined.WriteString(text)
		}
		if joined.String() != value {
			t.Errorf("%d octets: %s is not the value", n, quoted)
		}
	}
}

// Every trouble with the data folder is one sentence that names the variable,
// and keeps its cause for the exit code.
func TestStoreFaults(t *testing.T) {
	for cause, want := range map[error]string{
		store.ErrInUse:   "OFFRAMP_DATA_DIR: the data folder data is in use by another offramp process: stop it, or choose another folder",
		store.ErrNewer:   "OFFRAMP_DATA_DIR: the data folder data was written by a newer release of Offramp: run that release, or restore a backup",
		store.ErrFull:    "OFFRAMP_DATA_DIR: the data folder data is on a full volume: free some space",
		store.ErrDamaged: "OFFRAMP_DATA_DIR: the data folder data contains a damaged database: page 7: record damaged: copy the folder, then run `offramp repair`",
	} {
		err := storeFault("data", fmt.Errorf("page 7: %w", cause))
		if err.Error() != want || !errors.Is(err, cause) || len(lines(err)) != 1 {
			t.Errorf("storeFault of %v = %q", cause, err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("no"), 1}, {fault("wrong"), 2}, {errors.Join(fault("a"), fault("b")), 2}, {silent{1}, 1},
		{fmt.Errorf("x: %w", store.ErrUnavailable), 75}, {storeFault("d", store.ErrInUse), 75}, {storeFault("d", store.ErrNewer), 1},
		{&apiError{503, "later"}, 75}, {&apiError{400, "wrong"}, 2}, {&apiError{404, "none"}, 1}, {&apiError{500, "broken"}, 1}, {&apiError{401, "key"}, 1},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("exitCode(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}
