package trial

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/gateway/sink"
	"offramp/listunsub"
)

// What real clients send (RFC 8058 section 3.2 and the code of open clients).
var clientForms = []struct{ name, contentType, body string }{
	{"gmail", "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
	{"rfc", "multipart/form-data; boundary=xyz", "--xyz\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--xyz--\r\n"},
	{"aerc", "multipart/form-data", "--abc\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n"},
	{"empty", "", ""},
	{"header value", "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click&x=1"},
	{"json", "application/json", "{}"},
	{"large", "application/octet-stream", strings.Repeat("x", 60_000)},
}

// Every client form opts out at once: the mail after it is dropped, the mail
// before it was delivered, mail to others is not touched.
func TestOptOutByEveryClientForm(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	for i, form := range clientForms {
		to := fmt.Sprintf("person%d@dest.example", i)
		before := sendAndWait(t, p, s, to, "witness@dest.example")
		url := unsubscribeURL(before.Data)
		if url == "" {
			t.Fatalf("no https URI in\n%s", before.Data)
		}
		for range 2 { // a repetition is a success
			if code, text := p.post(url, form.contentType, strings.NewReader(form.body)); code != http.StatusOK {
				t.Errorf("%s: %d %s", form.name, code, text)
			}
		}
		count := deliveriesTo(s, to)
		sendAndWait(t, p, s, "witness@dest.example", to)
		if deliveriesTo(s, to) != count {
			t.Errorf("%s: mail after the opt-out was delivered", form.name)
		}
	}
	if n := deliveriesTo(s, "witness@dest.example"); n != 2*len(clientForms) {
		t.Errorf("the witness got %d messages, want %d", n, 2*len(clientForms))
	}
}

// sendAndWait sends one message to all and returns the copy of the first.
func sendAndWait(t *testing.T, p *process, s *sink.Sink, to ...string) sink.Message {
	t.Helper()
	c, err := dial(p.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	subject := fmt.Sprintf("m%d", rand.Int64())
	data := "From: News <news@trial.example>\r\nSubject: " + subject + "\r\nMessage-ID: <" + subject + "@trial.example>\r\n\r\nhello\r\n"
	if err := c.send("news@trial.example", to, []byte(data)); err != nil {
		t.Fatal(err)
	}
	var found sink.Message
	if err := poll(10*time.Second, func() error {
		for _, m := range s.Messages() {
			if field(m.Data, "Subject") == subject && m.Recipients[0] == to[0] {
				found = m
				return nil
			}
		}
		return fmt.Errorf("no copy for %s", to[0])
	}); err != nil {
		t.Fatalf("%v\n%s", err, p.log)
	}
	// The others' copies are settled when the queue is empty.
	if err := poll(10*time.Second, func() error {
		if out, _ := p.run("queue", "list", "--json"); strings.TrimSpace(out) != "" {
			return fmt.Errorf("still queued: %s", out)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

func deliveriesTo(s *sink.Sink, to string) int {
	n := 0
	for _, m := range s.Messages() {
		for _, r := range m.Recipients {
			if r == to {
				n++
			}
		}
	}
	return n
}

// Mail that is queued already is dropped too, also after a restart.
func TestOptOutReachesQueuedMail(t *testing.T) {
	var open atomic.Bool
	s, err := sink.Start(sink.Options{Fault: func(st sink.Stage, _ sink.Transaction) sink.Fault {
		if st == sink.Banner && !open.Load() {
			return sink.Fault{Reply: "421 4.3.2 not now"}
		}
		return sink.Fault{}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	c, err := dial(p.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	data := []byte("From: News <news@trial.example>\r\nSubject: queued\r\n\r\nhello\r\n")
	if err := c.send("news@trial.example", []string{"ada@dest.example", "ben@dest.example"}, data); err != nil {
		t.Fatal(err)
	}
	p.oneClick(sealed(p, "trial.example", "ada@dest.example"))
	p.kill()
	p.start()
	open.Store(true)
	p.run("queue", "flush")
	if err := poll(15*time.Second, func() error {
		if deliveriesTo(s, "ben@dest.example") == 1 {
			return nil
		}
		return fmt.Errorf("ben has no mail yet")
	}); err != nil {
		t.Fatalf("%v\n%s", err, p.log)
	}
	if n := deliveriesTo(s, "ada@dest.example"); n != 0 {
		t.Errorf("ada opted out and got %d messages", n)
	}
	if out, _ := p.run("events", "--json"); !strings.Contains(out, `"dropped"`) {
		t.Errorf("the drop is not recorded: %s", out)
	}
}

// The hammer: people opt out while mail to the same people is being delivered.
// No attempt begins after the answer.
func TestTortureOptOutHammer(t *testing.T) {
	people := scale(600, 10_000)
	s, err := sink.Start(sink.Options{Discard: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	answered := make([]atomic.Int64, people) // when the 200 was in hand, Unix ns
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() { mailEverybody(p, people, answered, stop) })
	}
	s.Wait(people/10, time.Now().Add(30*time.Second)) // the queue is long by now
	var posters sync.WaitGroup
	order := rand.Perm(people)
	for k := range 16 {
		posters.Go(func() {
			for i := k; i < people; i += 16 {
				person := order[i]
				p.oneClick(sealed(p, "trial.example", address(person)))
				answered[person].Store(time.Now().UnixNano())
			}
		})
	}
	posters.Wait()
	pause(nil, time.Second)
	close(stop)
	senders.Wait()
	if err := poll(60*time.Second, func() error {
		if out, _ := p.run("queue", "list", "--json"); strings.TrimSpace(out) != "" {
			return fmt.Errorf("still queued")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	late, total := 0, 0
	for _, m := range s.Messages() {
		total++
		for _, to := range m.Recipients {
			var person int
			fmt.Sscanf(to, "h%d@", &person)
			if at := answered[person].Load(); at > 0 && m.At.UnixNano() > at {
				late++
			}
		}
	}
	t.Logf("%d opt-outs while %d messages were delivered: %d attempts began after the answer", people, total, late)
	if late > 0 {
		t.Errorf("%d attempts began after the answer", late)
	}
	if total == 0 {
		t.Error("nothing was delivered, so nothing was shown")
	}
}

func address(person int) string { return fmt.Sprintf("h%d@dest.example", person) }

// mailEverybody sends to random people, 20 at a time, until stop.
func mailEverybody(p *process, people int, answered []atomic.Int64, stop <-chan struct{}) {
	c, err := dial(p.smtp)
	if err != nil {
		p.t.Error(err)
		return
	}
	defer c.close()
	data := []byte("From: News <news@trial.example>\r\nSubject: hammer\r\n\r\nhello\r\n")
	for {
		select {
		case <-stop:
			return
		default:
		}
		seen := make(map[int]bool)
		var to []string
		for range 20 {
			if person := rand.IntN(people); !seen[person] {
				seen[person] = true
				to = append(to, address(person))
			}
		}
		if err := c.send("news@trial.example", to, data); err != nil {
			p.t.Error(err)
			return
		}
	}
}

// GET, HEAD, OPTIONS and forged tokens change nothing.
func TestNothingElseOptsOut(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	url := sealed(p, "trial.example", "ada@dest.example")
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"} {
		r, err := http.NewRequest(method, strings.Replace(url, "https://u.trial.example", "http://"+p.http, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode >= 300 && answer.StatusCode < 400 {
			t.Errorf("%s is redirected", method)
		}
	}
	flipped := 0
	token := url[strings.LastIndex(url, "/")+1:]
	for i := range token {
		for bit := range scale(1, 6) {
			damaged := []byte(token)
			damaged[i] ^= 1 << bit
			if strings.ContainsAny(string(damaged[i]), "/?#%\\ \x7f") || damaged[i] < '!' {
				continue
			}
			flipped++
			code, _ := p.post("https://u.trial.example/u/"+string(damaged), "application/x-www-form-urlencoded", strings.NewReader(listunsub.PostValue))
			if code != http.StatusNotFound && code != http.StatusTooManyRequests {
				t.Errorf("damaged token %d bit %d: %d", i, bit, code)
			}
		}
	}
	if out, _ := p.run("suppress", "list", "--json"); strings.TrimSpace(out) != "" {
		t.Errorf("something opted out: %s", out)
	}
	if out, _ := p.run("events", "--json"); strings.TrimSpace(out) != "" {
		t.Errorf("something happened: %s", out)
	}
	t.Logf("%d damaged tokens", flipped)
}
