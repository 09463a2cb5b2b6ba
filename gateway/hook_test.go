package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

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
