package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"offramp/gateway/record"
	"offramp/store"
)

// Limits of downloads: a person may have very many events, and a form can be sent
// again and again.
const (
	mostDownloads = 32 // at the same time, so that slow ones of a few people leave room
	mostOfOne     = 4  // of one person
	eventsPerPart = 500
	// downloadTimeout bounds one download, over a slow line too. Each part of it
	// has writeTimeout to leave.
	downloadTimeout = 15 * time.Minute
)

// downloads are those that run.
type downloads struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by the person's lookup key
	// making is held while a part is made: all downloads together take one
	// processor and the memory of one part.
	making sync.Mutex
}

// begin says whether one more may run; end is due after it.
func (d *downloads) begin(person string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == mostDownloads || d.of[person] == mostOfOne {
		return false
	}
	if d.of == nil {
		d.of = map[string]int{}
	}
	d.all++
	d.of[person]++
	return true
}

func (d *downloads) end(person string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.of[person]--; d.of[person] == 0 {
		delete(d.of, person)
	}
}

// download sends what is held as a file, part by part. Whoever comes here typed
// the code, less than formLife ago.
func (h *handler) download(x *submission) {
	person := x.visit.subject.Recipient.Key()
	if !h.downloads.begin(person) {
		h.stats.Unavailable.Add(1)
		x.w.Header().Set("Retry-After", "60")
		h.notice(x.w, x.r, noticeUnavailable)
		return
	}
	defer h.downloads.end(person)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), downloadTimeout)
	defer cancel()
	head, tail, err := around(h.held(x))
	if err != nil {
		h.unavailable(x.w, x.r, x.visit, err)
		return
	}
	part, last, err := h.part(ctx, person, 0)
	if err != nil {
		h.unavailable(x.w, x.r, x.visit, err)
		return
	}
	h.stats.Taken.Add(1)
	h.log.InfoContext(ctx, "download of what is held") // and nothing of the person
	attachment(x.w.Header(), "application/json; charset=utf-8", "offramp-data.json")
	send(x.w, head)
	for len(part) > 0 {
		send(x.w, part)
		if part, last, err = h.part(ctx, person, last); err != nil {
			h.stats.Unavailable.Add(1)
			h.log.ErrorContext(ctx, "download broken off", "error", err)
			panic(http.ErrAbortHandler) // a file that ends early must not look whole
		}
	}
	if last > 0 {
		send(x.w, []byte("\n  "))
	}
	send(x.w, tail)
}

// send writes a part of a file, and ends the request when it does not leave in
// time.
func send(w http.ResponseWriter, part []byte) {
	// The deadline of the server is that of a page. It is one of the connection, so
	// it takes the time of the system.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := w.Write(part); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// part is what the file has of the next events after one of the person, and the
// last of them. An empty part is the end.
func (h *handler) part(ctx context.Context, person string, after int64) (part []byte, last int64, err error) {
	h.downloads.making.Lock()
	defer h.downloads.making.Unlock()
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	events, err := h.site.Ledger.Events(ctx, store.EventFilter{Recipient: person, After: after, Limit: eventsPerPart})
	if err != nil {
		return nil, after, err
	}
	var b bytes.Buffer
	for _, e := range events {
		if after > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		if err := encode(&b, record.EventOf(e), "    "); err != nil {
			return nil, after, err
		}
		after = e.ID
	}
	return b.Bytes(), after, nil
}

// around is the file around its events.
func around(held record.Held) (head, tail []byte, err error) {
	var b bytes.Buffer
	if err := encode(&b, held, ""); err != nil {
		return nil, nil, err
	}
	const end = "]\n}" // the events come last
	return bytes.TrimSuffix(b.Bytes(), []byte(end)), []byte(end + "\n"), nil
}

// encode writes v as people read it, in lines that begin with prefix but for the
// first.
func encode(b *bytes.Buffer, v any, prefix string) error {
	out := json.NewEncoder(b)
	out.SetEscapeHTML(false)
	out.SetIndent(prefix, "  ")
	err := out.Encode(v)
	b.Truncate(max(0, b.Len()-1)) // without the end of the line
	return err
}
