package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// inProcess answers requests by a handler of this process, as it writes: neither side
// keeps a file that goes through.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	served := r.Clone(ctx)
	served.RemoteAddr, served.Host, served.RequestURI = "127.0.0.1:0", r.URL.Host, r.URL.RequestURI()
	if served.Body == nil {
		served.Body = http.NoBody
	}
	in, out := io.Pipe()
	w := &answerWriter{header: http.Header{}, status: http.StatusOK, body: out, begun: make(chan struct{})}
	resp := &http.Response{Request: r, ContentLength: -1, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	ended := make(chan struct{})
	resp.Body = &answerBody{PipeReader: in, cancel: cancel, ended: ended}
	go func() {
		defer close(ended)
		err := serve(t.handler, w, served)
		w.begin()
		// The reader sees the end of the body after this.
		resp.Trailer = w.trailer()
		_ = out.CloseWithError(err)
	}()
	<-w.begun
	resp.StatusCode, resp.Header = w.status, w.sent
	return resp, nil
}

// serve makes an answer that breaks off an error of the body, as a connection would.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v", io.ErrUnexpectedEOF, cause)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// answerBody ends the request when its reader has enough, and waits for that: the data
// is closed next.
type answerBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	ended  <-chan struct{}
}

func (b *answerBody) Close() error {
	b.cancel()
	err := b.PipeReader.Close()
	<-b.ended
	return err
}

// answerWriter hands an answer over.
type answerWriter struct {
	header http.Header
	sent   http.Header // header, when it was written
	status int
	body   *io.PipeWriter
	once   sync.Once
	begun  chan struct{} // closed with the header
}

func (w *answerWriter) Header() http.Header { return w.header }

func (w *answerWriter) begin() {
	w.once.Do(func() {
		w.sent = w.header.Clone()
		close(w.begun)
	})
}

func (w *answerWriter) WriteHeader(status int) {
	select {
	case <-w.begun:
	default:
		w.status = status
		w.begin()
	}
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.body.Write(p)
}

// trailer is what was announced as one.
func (w *answerWriter) trailer() http.Header {
	t := http.Header{}
	for _, name := range strings.Split(w.sent.Get("Trailer"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			t[http.CanonicalHeaderKey(name)] = w.header.Values(name)
		}
	}
	return t
}
