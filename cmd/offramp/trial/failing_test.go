package trial

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/listunsub"
)

func itoa(n int) string { return strconv.Itoa(n) }

// drainFailing is drain for loads whose recipients r2.* fail: these are whole
// when a bounce names them.
func drainFailing(t *testing.T, l *ledger, s *sink.Sink, limit time.Duration) outcome {
	t.Helper()
	end := time.Now().Add(limit)
	for {
		o := l.audit(bouncesAsDeliveries(l, s.Messages()))
		if o.lost == 0 || time.Now().After(end) {
			return o
		}
		s.Wait(len(s.Messages())+1, time.Now().Add(time.Second))
	}
}

// optOutsUntilDeath posts opt-outs one after the other until the process ends,
// and returns a check that all that were answered 200 stand.
func optOutsUntilDeath(t *testing.T, p *process) (check func(*process)) {
	t.Helper()
	var answered []string
	done := make(chan struct{})
	exited := p.exited
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-exited:
				return
			default:
			}
			to := fmt.Sprintf("opt%d@dest.example", i)
			url := sealed(p, "trial.example", to)
			r, err := http.Post(strings.Replace(url, "https://u.trial.example", "http://"+p.http, 1),
				"application/x-www-form-urlencoded", strings.NewReader(listunsub.PostValue))
			if err != nil {
				return
			}
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				answered = append(answered, to)
			}
			pause(exited, 5*time.Millisecond)
		}
	}()
	return func(p *process) {
		t.Helper()
		<-done
		out, code := p.run("suppress", "list", "--json")
		if code != 0 {
			t.Errorf("suppress list: exit %d", code)
		}
		for _, to := range answered {
			if !strings.Contains(out, `"`+to+`"`) {
				t.Errorf("opt-out of %s was answered 200 and is lost", to)
			}
		}
		t.Logf("%d opt-outs answered 200", len(answered))
	}
}

// sealed is the URL of a header link as the program would make it.
func sealed(p *process, list, to string) string {
	p.t.Helper()
	token, err := p.keys.Seal(listunsub.Claims{List: list, Recipient: to, Issued: time.Now(), Purpose: listunsub.HeaderLink})
	if err != nil {
		p.t.Fatal(err)
	}
	return "https://u.trial.example/u/" + token
}
