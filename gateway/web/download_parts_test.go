package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offramp/store"
)

// ledgerOf has very many events of a person.
type ledgerOf struct {
	Ledger
	total  int64
	before func(f store.EventFilter) error // nil: nothing
}

func (l ledgerOf) Events(ctx context.Context, f store.EventFilter) (events []store.Event, err error) {
	if len(f.Kinds) > 0 {
		return l.Ledger.Events(ctx, f)
	}
	if l.before != nil {
		if err := l.before(f); err != nil {
			return nil, err
		}
	}
	for id := f.After + 1; id <= l.total && len(events) < f.Limit; id++ {
		events = append(events, store.Event{ID: id, Time: start, Kind: store.EventDropped, Recipient: ada, List: news,
			MessageID: strings.Repeat("m", 60), Detail: strings.Repeat("d", 200)})
	}
	return events, ctx.Err()
}

// downloadOf is a request for the download, as a browser sends it.
func (w *world) downloadOf(total int64, before func(store.EventFilter) error) (path string, f shown) {
	w.t.Helper()
	path, page := w.openData()
	f = formsOf(w.t, page)[actDownload]
	w.site.Ledger = ledgerOf{w.site.Ledger, total, before}
	w.build()
	return path, f
}

// Downloads of a person with very many events take the memory of a few parts.
func TestDownloadsTakeLittleMemory(t *testing.T) {
	w := newWorld(t)
	const total = 60_000 // of 430 bytes each in the file
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var before, peak uint64
	path, f := w.downloadOf(total, func(f store.EventFilter) error { // one at a time
		if f.After%(total/4) < eventsPerPart {
			peak = max(peak, heap())
		}
		return nil
	})
	before = heap()
	base := "http://" + w.serve()
	var all sync.WaitGroup
	for range mostOfOne {
		all.Go(func() {
			res, err := http.Post(base+path+f.target, "application/x-www-form-urlencoded", strings.NewReader(f.body()))
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			if n, err := io.Copy(io.Discard, res.Body); err != nil || n < total*400 || res.StatusCode != 200 {
				t.Errorf("%s: %d bytes, %v", res.Status, n, err)
			}
		})
	}
	all.Wait()
	if peak < before || peak-before > 8<<20 {
		t.Errorf("%d KiB for %d downloads", (peak-before)>>10, mostOfOne)
	}
}

// More than a few downloads at the same time are asked to wait, and those of one
// person leave some to others.
func TestDownloadsAtTheSameTimeAreBounded(t *testing.T) {
	w := newWorld(t)
	path, f := w.downloadOf(1, nil)
	running := &w.handler.(*handler).downloads
	status := func() int {
		t.Helper()
		res, _ := w.submit(path, f)
		if res.StatusCode != 200 && (res.StatusCode != 503 || res.Header.Get("Retry-After") != "60" || res.Header.Get("Content-Disposition") != "") {
			t.Errorf("%s %v", res.Status, res.Header)
		}
		return res.StatusCode
	}
	for n := range mostOfOne {
		if n > 0 && status() != 200 {
			t.Errorf("refused beside %d", n)
		}
		if !running.begin(ada) {
			t.Fatalf("download %d of a person is refused", n+1)
		}
	}
	if status() != 503 || running.begin(ada) {
		t.Error("one more of one person")
	}
	others := mostDownloads/mostOfOne - 1
	for n := range others * mostOfOne {
		if !running.begin(fmt.Sprint(n / mostOfOne)) {
			t.Fatalf("download %d is refused", mostOfOne+n+1)
		}
	}
	if running.begin("eve@example.com") {
		t.Error("one more in all")
	}
	for range mostOfOne {
		running.end(ada)
	}
	for range 2 * mostDownloads { // each ends
		if status() != 200 {
			t.Fatal("refused after the others ended")
		}
	}
	if running.all != mostDownloads-mostOfOne || len(running.of) != others {
		t.Errorf("%d run, of %v", running.all, running.of)
	}
}

// A download that cannot go on is broken off, so that no browser takes what came
// for the whole, and the next one is served.
func TestDownloadThatBreaksOff(t *testing.T) {
	w := newWorld(t)
	fail := true
	path, f := w.downloadOf(3*eventsPerPart, func(f store.EventFilter) error {
		if fail && f.After > eventsPerPart {
			return store.ErrUnavailable
		}
		return nil
	})
	base := "http://" + w.serve()
	for range mostOfOne + 1 {
		res, err := http.Post(base+path+f.target, "application/x-www-form-urlencoded", strings.NewReader(f.body()))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) || res.StatusCode != 200 {
			t.Fatalf("%s, %v", res.Status, err)
		}
	}
	if log := w.log.String(); !strings.Contains(log, "download broken off") || strings.Contains(log, "panic") || strings.Contains(log, "e•••") {
		t.Errorf("log %s", log)
	}
	fail = false
	if res, body := w.submit(path, f); res.StatusCode != 200 || !strings.HasSuffix(body, "\n  ]\n}\n") {
		t.Errorf("%s", res.Status)
	}
}

// A part may take as long to leave as a page, and the whole much longer.
func TestDownloadOverASlowLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		path, f := w.downloadOf(20*eventsPerPart, func(store.EventFilter) error { time.Sleep(changeTimeout / 2); return nil })
		slow := &slowWriter{ResponseRecorder: httptest.NewRecorder()}
		w.handler.ServeHTTP(slow, f.request(path))
		if body := slow.Body.String(); slow.Code != 200 || !strings.HasSuffix(body, "\n  ]\n}\n") {
			t.Errorf("%d, %.300s", slow.Code, body)
		}
		slow.stuck = true
		func() {
			defer func() {
				if cause := recover(); cause != http.ErrAbortHandler {
					t.Errorf("a client that takes nothing: %v", cause)
				}
			}()
			w.handler.ServeHTTP(slow, f.request(path))
		}()
		if running := &w.handler.(*handler).downloads; running.all != 0 {
			t.Errorf("%d still run", running.all)
		}
	})
}

// slowWriter takes nearly as long as it may for every part; stuck, longer.
type slowWriter struct {
	*httptest.ResponseRecorder
	until time.Time
	stuck bool
}

func (s *slowWriter) SetWriteDeadline(until time.Time) error {
	s.until = until
	return nil
}

func (s *slowWriter) Write(b []byte) (int, error) {
	took := writeTimeout - time.Second
	if s.stuck {
		took += 2 * time.Second
	}
	time.Sleep(took)
	if time.Now().After(s.until) {
		return 0, errors.New("i/o timeout")
	}
	return s.ResponseRecorder.Write(b)
}
