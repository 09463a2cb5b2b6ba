package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A server that is there and takes too long is not said to be away, before its
// answer and in the middle of it.
func TestASlowServerIsSaidToBeSlow(t *testing.T) {
	for _, begun := range []bool{false, true} {
		ended := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if begun {
				w.Write([]byte("{"))
				w.(http.Flusher).Flush()
			}
			<-ended
		}))
		c := &client{base: server.URL}
		c.http.Timeout = 50 * time.Millisecond
		err := c.call(t.Context(), "GET", "report", nil, nil)
		if err == nil || exitCode(err) != exitTempFail || !strings.Contains(err.Error(), "did not answer within 50ms. Try again") {
			t.Errorf("answer begun %v: %v, exit code %d", begun, err, exitCode(err))
		}
		close(ended)
		server.Close()
		err = c.call(t.Context(), "GET", "report", nil, nil)
		if err == nil || exitCode(err) != exitTempFail || !strings.Contains(err.Error(), "no server answers on ") {
			t.Errorf("no server: %v", err)
		}
	}
}
