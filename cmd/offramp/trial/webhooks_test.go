package trial

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// webhookIntake is what a receiver of events took.
type webhookIntake struct {
	mu    sync.Mutex
	ids   map[string]string // id of the call by event
	last  map[string]int64  // event by person, of those that came for the first time
	seen  map[string]bool   // by person and kind and number
	calls int               // with those that came again
	wrong []string
}

// take records a call, and what is wrong with it.
func (o *webhookIntake) take(q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // cut off
	}
	var e struct {
		Type string
		Data struct {
			ID        int64
			Recipient string
			Detail    string
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	if err := json.Unmarshal(body, &e); err != nil {
		o.wrong = append(o.wrong, fmt.Sprintf("%q: %v", body, err))
		return
	}
	id, event := q.Header.Get("Webhook-Id"), fmt.Sprint(e.Data.ID)
	before, again := o.ids[event]
	if again {
		if before != id {
			o.wrong = append(o.wrong, fmt.Sprintf("event %s has the ids %s and %s", event, before, id))
		}
		return
	}
	o.ids[event] = id
	if e.Data.ID < o.last[e.Data.Recipient] {
		o.wrong = append(o.wrong, fmt.Sprintf("event %s of %s came after %d", event, e.Data.Recipient, o.last[e.Data.Recipient]))
	}
	o.last[e.Data.Recipient] = e.Data.ID
	o.seen[e.Type+" "+e.Data.Recipient] = true
}

// F15: whatever a change was answered, its event reaches every receiver at least once,
// with one id, and in order for each person, while the server is killed.
func TestTortureWebhooks(t *testing.T) {
	const names = 3 // one that is well, one that loses answers, one that is away now and then
	var receivers [names]*webhookIntake
	var urls [names]string
	for i := range receivers {
		o := &webhookIntake{ids: map[string]string{}, last: map[string]int64{}, seen: map[string]bool{}}
		receivers[i] = o
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if i == 2 && rand.IntN(200) == 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			o.take(q)
			if i == 1 && rand.IntN(200) == 0 {
				if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
					conn.Close()
				}
			}
		}))
		t.Cleanup(site.Close)
		urls[i] = site.URL
	}
	p := start(t, "smtp://127.0.0.1:9", "CALLOUT_TARGETS="+strings.Join(urls[:], ","))
	for i, url := range urls {
		if _, code := p.run("webhook", "add", fmt.Sprintf("r%d", i), url+"/hook"); code != 0 {
			t.Fatalf("webhook add ended with %d", code)
		}
	}
	changes, kills := scale(200, 10_000), scale(2, 25)
	done := make(chan []string)
	go func() { done <- suppressions(p, changes) }()
	for range kills {
		pause(nil, time.Duration(200+rand.IntN(800))*time.Millisecond)
		p.kill()
		p.start()
	}
	wanted := <-done
	err := poll(5*time.Minute, func() error {
		for i, o := range receivers {
			o.mu.Lock()
			missing := 0
			for _, one := range wanted {
				if !o.seen[one] {
					missing++
				}
			}
			o.mu.Unlock()
			if missing > 0 {
				return fmt.Errorf("receiver %d was not told of %d of %d", i, missing, len(wanted))
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for i, o := range receivers {
		o.mu.Lock()
		t.Logf("receiver %d: %d changes, %d events, %d calls, %d kills", i, len(wanted), len(o.ids), o.calls, kills)
		for _, wrong := range o.wrong {
			t.Errorf("receiver %d: %s", i, wrong)
		}
		o.mu.Unlock()
	}
}

// suppressions stops addresses and lets them go again, by the API, until n changes were
// answered 200, and returns what receivers have to be told.
func suppressions(p *process, n int) (wanted []string) {
	client := &http.Client{Timeout: 5 * time.Second}
	ask := func(method, target, body string) bool {
		q, err := http.NewRequest(method, "http://"+p.admin+"/api/v1/suppressions"+target, strings.NewReader(body))
		if err != nil {
			return false
		}
		if body != "" {
			q.Header.Set("Content-Type", "application/json")
		}
		answer, err := client.Do(q)
		if err != nil {
			time.Sleep(20 * time.Millisecond) // it was killed, and starts again
			return false
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		// What changed nothing, since a kill had lost the change before it, is no event.
		return err == nil && answer.StatusCode == http.StatusOK && strings.Contains(string(text), `"changed":1`)
	}
	for i := 0; len(wanted) < n; i++ {
		person := fmt.Sprintf("p%d@dest.example", i)
		if ask("POST", "", fmt.Sprintf(`{"recipient":%q,"reason":"manual"}`, person)) {
			wanted = append(wanted, "suppression.created "+person)
		}
		if ask("DELETE", "?reason=manual&recipient="+person, "") {
			wanted = append(wanted, "suppression.deleted "+person)
		}
	}
	return wanted
}
