package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"offramp/gateway/access"
	"offramp/gateway/jobs"
	"offramp/gateway/record"
	"offramp/store"
)

// importing is a room of imports that has one.
type importing struct {
	w    *world
	spec jobs.Spec
	file string
	err  error
	who  string   // of the one; empty: another key
	only []string // lists that it may change
}

func (i *importing) one() jobs.Job {
	return jobs.Job{
		FileJob: store.FileJob{ID: "mfrggzdfmztwq2lk", State: store.JobReady, Created: start, Changed: start, Who: cmp.Or(i.who, "key shop"), Name: "people.csv", Total: 9},
		Spec:    jobs.Spec{Only: i.only},
		Report:  jobs.Report{Format: "csv", Rows: 2, Records: 1, Faulty: 1, Faults: []jobs.Fault{{Line: 3, Text: "invalid mail address"}}},
	}
}

func (i *importing) Import(_ context.Context, who string, spec jobs.Spec, file io.Reader) (jobs.Job, error) {
	raw, err := io.ReadAll(file)
	if err != nil {
		return jobs.Job{}, err
	}
	i.spec, i.file = spec, string(raw)
	i.w.calls = append(i.w.calls, "import "+who)
	return i.one(), i.err
}

func (i *importing) Job(_ context.Context, id string) (jobs.Job, error) {
	if id != i.one().ID {
		return jobs.Job{}, store.ErrNotFound
	}
	return i.one(), nil
}

func (i *importing) Jobs(context.Context) ([]jobs.Job, error) { return []jobs.Job{i.one()}, i.err }

func (i *importing) move(what string) (jobs.Job, error) {
	i.w.calls = append(i.w.calls, what)
	return i.one(), i.err
}

func (i *importing) Start(context.Context, string) (jobs.Job, error)  { return i.move("start") }
func (i *importing) Pause(context.Context, string) (jobs.Job, error)  { return i.move("pause") }
func (i *importing) Cancel(context.Context, string) (jobs.Job, error) { return i.move("cancel") }

// A file comes as the body, and how it is to be read in the query.
func TestFileIsTaken(t *testing.T) {
	w := newWorld(t)
	i := w.api.Imports.(*importing)
	res, text := w.send(request("POST", "/api/v1/imports?name=a.csv&format=csv&list=News&reason=bounced&soft=true&ignore=a,b&start=true&since=2026-01-02T03:04:05Z", "email\na@x.example\n"))
	var got record.Import
	if err := json.Unmarshal([]byte(text), &got); err != nil || res.StatusCode != 200 {
		t.Fatalf("%s %s", res.Status, text)
	}
	if got.State != "ready" || got.Invalid != 1 || len(got.Errors) != 1 || got.Errors[0].Line != 3 {
		t.Errorf("%+v", got)
	}
	if s := i.spec; i.file != "email\na@x.example\n" || s.Name != "a.csv" || s.Format != "csv" || s.List != "news" || s.Reason != "bounced" || !s.Soft ||
		!s.Start || fmt.Sprint(s.Ignore) != "[a b]" || s.Since.Format("2006-01-02 15:04:05") != "2026-01-02 03:04:05" {
		t.Errorf("%q, %+v", i.file, s)
	}
	for _, c := range []struct {
		query string
		err   error
		want  int
	}{
		{"format=xml", nil, 400}, {"reason=x", nil, 400}, {"soft=1", nil, 400}, {"since=2126-01-01T00:00:00Z", nil, 400}, {"name=a%0Ab", nil, 400},
		{"", jobs.ErrTooLarge, 413}, {"", jobs.ErrNoRoom, 507}, {"", store.ErrFull, 409}, {"", fmt.Errorf("x: %w", store.ErrUnavailable), 503},
	} {
		i.err = c.err
		w.refused(request("POST", "/api/v1/imports?"+c.query, "x"), c.want)
	}
	i.err = nil
	stalled := request("POST", "/api/v1/imports", "")
	stalled.Body = io.NopCloser(stalls{})
	w.refused(stalled, 408)
	i.err = jobs.ErrState
	w.refused(request("PATCH", "/api/v1/imports/mfrggzdfmztwq2lk", `{"state":"running"}`), 409)
}

// stalls is a body of which nothing comes in time.
type stalls struct{}

func (stalls) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// A key for some lists sees its own imports alone, and sends files for its lists.
func TestImportsOfAKey(t *testing.T) {
	w := newWorld(t)
	i := w.api.Imports.(*importing)
	bound := w.grant(access.Spec{Name: "k", Scope: access.Write, Lists: []string{"news"}})[0]
	with := func(r *http.Request) *http.Request {
		r.Header.Set("Authorization", "Bearer "+bound)
		return r
	}
	w.refused(with(request("POST", "/api/v1/imports", "x")), 403)
	w.refused(with(request("POST", "/api/v1/imports?list=other", "x")), 403)
	if res, text := w.send(with(request("POST", "/api/v1/imports?list=news", "x"))); res.StatusCode != 200 || fmt.Sprint(i.spec.Only) != "[news]" {
		t.Errorf("%s %s: %+v", res.Status, text, i.spec)
	}
	w.refused(with(request("GET", "/api/v1/imports/mfrggzdfmztwq2lk", "")), 404)
	w.refused(with(request("PATCH", "/api/v1/imports/mfrggzdfmztwq2lk", `{"state":"cancelled"}`)), 404)
	if _, text := w.send(with(request("GET", "/api/v1/imports", ""))); strings.TrimSpace(text) != `{"items":[]}` {
		t.Error(text)
	}
	// A key of the same name for another list is another key.
	i.who, i.only = "key k", []string{"other"}
	w.refused(with(request("PATCH", "/api/v1/imports/mfrggzdfmztwq2lk", `{"state":"running"}`)), 404)
	i.only = []string{"news"}
	if res, text := w.send(with(request("GET", "/api/v1/imports/mfrggzdfmztwq2lk", ""))); res.StatusCode != 200 {
		t.Errorf("its own: %s %s", res.Status, text)
	}
	w.refused(with(request("GET", "/api/v1/exports", "")), 403)
	w.refused(with(request("GET", "/api/v1/exports?list=news&format=plain", "")), 400)
}

// An export is sent as it is read; what is wrong before the first byte is a problem,
// and what is wrong later breaks the transfer off.
func TestExport(t *testing.T) {
	w := newWorld(t)
	w.choices = []store.Choice{{Recipient: "ada@example.net", List: "news", State: store.Unsubscribed, Since: start, Way: store.OneClick}}
	server := httptest.NewServer(w.api.Handler())
	defer server.Close()
	get := func(query string) (*http.Response, string, error) {
		t.Helper()
		res, err := http.Get(server.URL + "/api/v1/exports" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		return res, string(raw), err
	}
	res, text, err := get("")
	if err != nil || res.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(text, "\nada@example.net,news,unsubscribed,one-click,") ||
		res.Trailer.Get(LeftHeader) != `{"erased":0,"wide":0,"other":0,"weaker":0,"lists":0}` {
		t.Errorf("%v %v %s %v", res.Header, res.Trailer, text, err)
	}
	if res, text, _ = get("?format=plain"); text != "" || !strings.Contains(res.Trailer.Get(LeftHeader), `"lists":1`) {
		t.Errorf("%s %v", text, res.Trailer)
	}
	if res, text, _ = get("?format=plain&list=news"); text != "ada@example.net\n" {
		t.Errorf("%s %v", text, res.Trailer)
	}
	if res, _, _ = get("?format=ses&hash=sha256"); res.StatusCode != 400 {
		t.Error(res.Status)
	}
	w.err = store.ErrUnavailable
	if res, text, _ = get(""); res.StatusCode != 503 || res.Header.Get("Content-Disposition") != "" {
		t.Errorf("%s %s", res.Status, text)
	}
}
