package smtpd

import (
	"fmt"
	"testing"
	"time"
)

func TestRememberedLoginsAreBounded(t *testing.T) {
	l := &Logins{known: make(map[[32]byte]time.Time)}
	for i := range 3 * rememberMost {
		l.remember("shop", fmt.Sprint("password ", i))
		if len(l.known) > rememberMost {
			t.Fatalf("%d logins are remembered", len(l.known))
		}
	}
	if !l.remembers("shop", fmt.Sprint("password ", 3*rememberMost-1)) {
		t.Error("the last one is not")
	}
}
