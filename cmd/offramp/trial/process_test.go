package trial

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"offramp/listunsub"
)

var torture = flag.Bool("torture", false, "run the trials at full length")

// program is the binary under trial, built once with the failpoints in it.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "offramp-trial-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "offramp")
	tags := "sqlite_omit_load_extension,osusergo,netgo,failpoint"
	if out, err := exec.Command("go", "build", "-tags", tags, "-o", program, "offramp/cmd/offramp").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build offramp: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// scale returns short, or long with -torture.
func scale(short, long int) int {
	if *torture {
		return long
	}
	return short
}

// process is one offramp serve with its own folder; it can be killed and
// started again on the same folder.
type process struct {
	t                 testing.TB
	dir               string
	smtp, http, admin string // addresses
	env               map[string]string
	keys              *listunsub.KeyRing
	rsaKey, edKey     string // files

	cmd    *exec.Cmd
	exited chan struct{}
	log    *logBuffer
}

// setup prepares a folder and settings; extra is "NAME=value" without prefix.
func setup(t testing.TB, nextHop string, extra ...string) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{t: t, dir: dir, smtp: freeAddr(t), http: freeAddr(t), admin: freeAddr(t), log: &logBuffer{}}
	key := listunsub.NewKey()
	var err error
	if p.keys, err = listunsub.ParseKeyRing(key); err != nil {
		t.Fatal(err)
	}
	p.rsaKey, p.edKey = keyFiles(t)
	p.env = map[string]string{
		"HOSTNAME": "gateway.trial.example", "SMTP_ADDR": p.smtp, "HTTP_ADDR": p.http, "ADMIN_ADDR": p.admin,
		"PUBLIC_URL": "https://u.trial.example", "NEXT_HOP": nextHop, "DATA_DIR": filepath.Join(dir, "data"),
		"TOKEN_KEYS": key, "DKIM_KEYS": "trial.example:ed:" + p.edKey,
		"RETRY_MIN": "1s", "RETRY_MAX": "2s", "LOG_LEVEL": "info",
		// Most trials are about list mail of one From domain.
		"DEFAULT_STREAM":          "list",
		"SMTP_CONNECTIONS_PER_IP": "500", "INVALID_TOKENS_PER_MINUTE": "100000",
	}
	for _, e := range extra {
		name, value, _ := strings.Cut(e, "=")
		p.env[name] = value
	}
	t.Cleanup(p.kill)
	return p
}

// start runs the program and returns when it takes mail.
func start(t testing.TB, nextHop string, extra ...string) *process {
	t.Helper()
	p := setup(t, nextHop, extra...)
	p.start()
	return p
}

func (p *process) start(env ...string) {
	p.t.Helper()
	p.startUnder(nil, env...)
}

// startUnder runs the program by a wrapper such as strace.
func (p *process) startUnder(wrapper []string, env ...string) {
	p.t.Helper()
	args := append(append([]string(nil), wrapper...), program, "serve")
	if _, err := os.Stat(filepath.Join(p.env["DATA_DIR"], "offramp.db")); errors.Is(err, fs.ErrNotExist) {
		args = append(args, "--new-data")
	}
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir}, env...)
	for name, value := range p.env {
		p.cmd.Env = append(p.cmd.Env, "OFFRAMP_"+name+"="+value)
	}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		cmd.Wait()
		close(exited)
	}(p.cmd, p.exited)
	p.awaitReady()
}

func (p *process) awaitReady() {
	p.t.Helper()
	err := poll(20*time.Second, func() error {
		select {
		case <-p.exited:
			return nil
		default:
		}
		r, err := http.Get("http://" + p.admin + "/readyz")
		if err != nil {
			return err
		}
		r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %s", r.Status)
		}
		c, err := net.Dial("tcp", p.smtp)
		if err != nil {
			return err
		}
		return c.Close()
	})
	select {
	case <-p.exited: // a failpoint may end it while it starts
		return
	default:
	}
	if err != nil {
		p.t.Fatalf("offramp did not start: %v\n%s", err, p.log)
	}
}

// kill ends the process as a power cut of the process would.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	p.cmd.Process.Kill()
	<-p.exited
}

// stop ends the process by SIGTERM and returns how long that took.
func (p *process) stop() time.Duration {
	p.t.Helper()
	begin := time.Now()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(60 * time.Second):
		p.t.Errorf("offramp still runs 60 s after SIGTERM\n%s", p.log)
		p.kill()
	}
	return time.Since(begin)
}

// running says whether the process lives.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// run executes a command of the program with the same settings.
func (p *process) run(args ...string) (stdout string, code int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir}
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, "OFFRAMP_"+name+"="+value)
	}
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if messages.Len() > 0 {
		p.t.Logf("offramp %s: %s", strings.Join(args, " "), messages.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// resident returns the most memory the process had resident, in octets.
func (p *process) resident() int64 { return p.proc("status", "VmHWM: %d kB") << 10 }

// proc returns the number of a line that a file in /proc has of the process.
func (p *process) proc(file, line string) (n int64) {
	p.t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file))
	must(p.t, err)
	for l := range strings.Lines(string(content)) {
		if _, err := fmt.Sscanf(l, line, &n); err == nil {
			return n
		}
	}
	p.t.Fatalf("no %q in /proc", line)
	return 0
}

// post is a one-click POST to the recipients' listener.
func (p *process) post(url, contentType string, body io.Reader) (int, string) {
	p.t.Helper()
	r, err := http.Post(strings.Replace(url, "https://u.trial.example", "http://"+p.http, 1), contentType, body)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	return r.StatusCode, string(text)
}

// oneClick opts out as RFC 8058 section 3.2 has it and wants a 200.
func (p *process) oneClick(url string) {
	p.t.Helper()
	if code, text := p.post(url, "application/x-www-form-urlencoded", strings.NewReader(listunsub.PostValue)); code != http.StatusOK {
		p.t.Fatalf("one-click: %d %s", code, text)
	}
}

// nextPort is below the ports that the system gives to listeners on port 0 and
// to outgoing connections, so that nobody takes one between here and its use.
var nextPort atomic.Int32

// freeAddr is a loopback address that is given to nobody else in this run.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 5000 {
		port := 20000 + (os.Getpid()*100+int(nextPort.Add(1)))%10000
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

// poll asks until there is no error or the time is over.
func poll(limit time.Duration, ask func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-end:
			return err
		}
	}
}

// daemon runs a program in the foreground until the test ends, and waits until
// it listens.
func daemon(t *testing.T, addr string, cmd *exec.Cmd) {
	t.Helper()
	log := &logBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	if err := poll(20*time.Second, func() error {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		return c.Close()
	}); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
}

var keyPair struct {
	sync.Once
	rsa, ed []byte
}

func keyFiles(t testing.TB) (rsaFile, edFile string) {
	t.Helper()
	keyPair.Do(func() {
		r, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		_, e, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keyPair.rsa, keyPair.ed = pkcs8(t, r), pkcs8(t, e)
	})
	dir := t.TempDir()
	rsaFile, edFile = filepath.Join(dir, "rsa.pem"), filepath.Join(dir, "ed.pem")
	for file, data := range map[string][]byte{rsaFile: keyPair.rsa, edFile: keyPair.ed} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return rsaFile, edFile
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// logBuffer keeps the last of what the process wrote.
type logBuffer struct {
	mu      sync.Mutex
	data    []byte
	written int // in all
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	b.written += len(p)
	if over := len(b.data) - 256<<10; over > 0 {
		b.data = append(b.data[:0], b.data[over:]...)
	}
	return len(p), nil
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.data) > 8<<10 {
		return string(b.data[len(b.data)-8<<10:])
	}
	return string(b.data)
}
