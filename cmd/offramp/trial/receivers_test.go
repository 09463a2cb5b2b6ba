package trial

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// The program of contrib has people leave real Mailman lists, which would ask them
// again otherwise.
func TestMailmanByExec(t *testing.T) {
	folder := cached(t, "mailman3")
	python(t, "falcon, aiosmtpd, alembic, authheaders, authres, click, dateutil, flufl.bounce, flufl.i18n, flufl.lock, lazr.config, passlib, public, requests, sqlalchemy, zope.component, zope.configuration, zope.event")
	addr := freeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	must(t, err)
	mailman := exec.Command("/usr/bin/python3", "testdata/senders/mailman_rest.py", folder, t.TempDir(), port)
	mailman.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said, fault bytes.Buffer
	mailman.Stdout, mailman.Stderr = &said, &fault
	end, err := mailman.StdinPipe()
	must(t, err)
	must(t, mailman.Start())
	t.Cleanup(func() { _ = mailman.Process.Kill() })
	must(t, poll(30*time.Second, func() error {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		return c.Close()
	}))
	s, err := sink.Start(sink.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	program, err := filepath.Abs("../../../contrib/mailman-leave.py")
	must(t, err)
	p := setup(t, "smtp://"+s.Addr(), "EXEC=/usr/bin/python3 "+program, "EXEC_KINDS=unsubscribed")
	p.start("MAILMAN_REST_URL=http://"+addr+"/3.1", "MAILMAN_REST_USER=restadmin", "MAILMAN_REST_PASSWORD=rest/pass")
	// Ada leaves one list by one click, Ben all lists, and Zoe was never a member.
	for _, c := range []struct{ who, list string }{{"ada", "news.trial.example"}, {"ben", ""}, {"zoe", "news.trial.example"}} {
		args := []string{"recipient", "choose", c.who + "@dest.example", "--state", "unsubscribed"}
		if c.list != "" {
			args = append(args, "--list", c.list)
		}
		if out, code := p.run(args...); code != 0 {
			t.Fatalf("%v: %s", args, out)
		}
	}
	members := func(list string) string {
		r, err := http.NewRequest(http.MethodGet, "http://"+addr+"/3.1/lists/"+list+".trial.example/roster/member", nil)
		must(t, err)
		r.SetBasicAuth("restadmin", "rest/pass")
		answer, err := http.DefaultClient.Do(r)
		must(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		must(t, err)
		return string(text)
	}
	if err := poll(20*time.Second, func() error {
		if text := members("news") + members("talk"); strings.Contains(text, "ben@") {
			return errors.New(text)
		}
		return nil
	}); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
	must(t, end.Close())
	if err := mailman.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, fault.String())
	}
	if want := "news eve@dest.example\ntalk ada@dest.example eve@dest.example\n"; said.String() != want {
		t.Errorf("members\n%swant\n%s\n%s", said.String(), want, p.log)
	}
}
