package main

import (
	"io"
	"net/http"
	"testing"
)

// Who has enough of an answer waits until its handler has ended: the data that the
// handler reads is closed next.
func TestHandlerEndsBeforeTheDataIsClosed(t *testing.T) {
	ended := false
	client := http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { ended = true }()
		_, _ = io.WriteString(w, "begun")
		<-r.Context().Done()
	})}}
	resp, err := client.Get("http://localhost/")
	succeeds(t, err)
	_, err = io.ReadFull(resp.Body, make([]byte, 5))
	succeeds(t, err)
	succeeds(t, resp.Body.Close())
	if !ended {
		t.Error("the handler still runs")
	}
}
