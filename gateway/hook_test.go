package gateway_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"offramp/gateway/consent"
	"offramp/gateway/hook"
	"offramp/gateway/sink"
)

// A smarthost's webhook is answered on both listeners, and the next mail to the
// address it names is dropped.
func TestHookStopsMail(t *testing.T) {
	h := newHouse(t, sink.Options{})
	h.config.Hooks = hook.Config{PostmarkLogin: "offramp:a-long-password"}
	h.config.Consent = consent.Config{BounceLimit: 5, BounceProof: 144 * time.Hour, TransactionalDead: true}
	g, _ := h.run()
	call := func(addr, to string, login bool) int {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, "http://"+addr+"/hooks/postmark",
			strings.NewReader(`{"RecordType":"Bounce","ID":1,"Type":"HardBounce","Email":"`+to+`","Details":"smtp;550 5.1.1 no such user"}`))
		if err != nil {
			t.Fatal(err)
		}
		if login {
			r.SetBasicAuth("offramp", "a-long-password")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	for to, addr := range map[string]string{"a@example.net": g.Addrs().HTTP, "b@example.net": g.Addrs().Admin} {
		if code := call(addr, to, false); code != http.StatusForbidden {
			t.Errorf("without the login: %d", code)
		}
		if code := call(addr, to, true); code != http.StatusOK {
			t.Errorf("hook: %d", code)
		}
	}
	send(t, g, "a@example.net", "b@example.net", "c@example.net")
	h.arrived(1)
	h.settled()
	if all := h.sink.Messages(); len(all) != 1 || all[0].Recipients[0] != "c@example.net" {
		t.Errorf("arrived: %v", all)
	}
}

// A complaint that Mailgun reports with no more than the Message-ID stops the
// list of that message, and no other.
func TestHookFindsTheList(t *testing.T) {
	const key = "key-0123456789"
	h := newHouse(t, sink.Options{})
	h.config.Hooks = hook.Config{MailgunKey: key}
	g, _ := h.run()
	client, err := smtp.Dial(g.Addrs().SMTP[0])
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	letterOf := func(list string, n int) {
		t.Helper()
		message := fmt.Sprintf("From: news@example.org\r\nTo: a@example.net\r\nSubject: %d\r\nMessage-ID: <%s-%d@example.org>\r\nList-Id: <%s.example.org>\r\n\r\nHi\r\n", n, list, n, list)
		if err := client.SendMail("news@example.org", []string{"a@example.net"}, strings.NewReader(message)); err != nil {
			t.Fatal(err)
		}
	}
	letterOf("one", 1)
	letterOf("two", 1)
	h.arrived(2)
	h.settled()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + "token"))
	body := fmt.Sprintf(`{"signature":{"timestamp":%q,"token":"token","signature":"%x"},"event-data":{"event":"complained","id":"c","recipient":"A <a@example.net>","message":{"headers":{"to":"a@example.net","message-id":"one-1@example.org","from":"news@example.org","subject":"1"}}}}`, stamp, mac.Sum(nil))
	answer, err := http.Post("http://"+g.Addrs().HTTP+"/hooks/mailgun", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("answer %d", answer.StatusCode)
	}
	letterOf("one", 2)
	letterOf("two", 2)
	all := h.arrived(3)
	h.settled()
	if len(all) != 3 || !strings.Contains(string(all[2].Data), "two-2@example.org") {
		t.Errorf("%d arrived", len(all))
	}
}
