package trial

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/listunsub"
)

// ready is what /readyz says.
func (p *process) ready() (status int, text string) {
	p.t.Helper()
	r, err := http.Get("http://" + p.admin + "/readyz")
	must(p.t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	must(p.t, err)
	return r.StatusCode, string(body)
}

// failingSyncs has every fsync of the process fail until it is called again.
func (p *process) failingSyncs() (fix func()) {
	p.t.Helper()
	cmd := exec.Command("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO",
		"-p", fmt.Sprint(p.cmd.Process.Pid))
	log := &logBuffer{}
	cmd.Stderr = log
	must(p.t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	fix = func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		<-ended
	}
	if err := poll(20*time.Second, func() error {
		select {
		case <-ended:
			return nil
		default:
		}
		// Readiness writes once in a second.
		if status, text := p.ready(); status == http.StatusOK || strings.Contains(text, `"spool writes","ok":true`) || strings.Contains(text, `"consent","ok":true`) {
			return fmt.Errorf("readyz: %d %s", status, text)
		}
		return nil
	}); err != nil {
		fix()
		p.t.Fatal(err)
	}
	select {
	case <-ended:
		p.t.Skipf("strace cannot attach here: %s", log)
	default:
	}
	return fix
}

// F5: while no fsync succeeds no mail and no opt-out is taken, and readiness and
// metrics say so; once they do, all goes on by itself.
func TestTortureFsyncFails(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	data := []byte("From: News <news@trial.example>\r\nSubject: x\r\n\r\nHi\r\n")
	send := func(to string) error {
		c, err := dial(p.smtp)
		must(t, err)
		defer c.close()
		return c.send("news@trial.example", []string{to}, data)
	}
	link := strings.Replace(sealed(p, "trial.example", "ada@dest.example"), "/p/", "/u/", 1)
	for range scale(1, 20) {
		fix := p.failingSyncs()
		if err := send("during@dest.example"); err == nil || !strings.HasPrefix(err.Error(), "4") {
			t.Errorf("mail was answered %v", err)
		}
		if status, _ := p.post(link, "application/x-www-form-urlencoded", strings.NewReader(listunsub.PostValue)); status != http.StatusServiceUnavailable {
			t.Errorf("an opt-out was answered %d", status)
		}
		if status, text := p.ready(); status != http.StatusServiceUnavailable || !strings.Contains(text, `"spool writes","ok":false`) || !strings.Contains(text, `"consent","ok":false`) {
			t.Errorf("readyz: %d %s", status, text)
		}
		r, err := http.Get("http://" + p.admin + "/metrics")
		must(t, err)
		metrics, err := io.ReadAll(r.Body)
		r.Body.Close()
		must(t, err)
		if !strings.Contains(string(metrics), `offramp_store_trusted{file="spool"} 0`) {
			t.Error("the metrics do not say that the spool is not trusted")
		}
		fix()
		p.awaitReady()
		must(t, send("after@dest.example"))
		p.oneClick(link)
	}
	if n := len(s.Wait(scale(1, 20), time.Now().Add(20*time.Second))); n < scale(1, 20) {
		t.Errorf("%d messages were delivered", n)
	}
}
