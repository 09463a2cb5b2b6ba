package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"offramp/gateway"
	"offramp/gateway/record"
	"offramp/store"
	"offramp/store/sqlite"
)

// client speaks the API: with the running server, or with the same API
// joined to the files in this process, so that a command does the same in both
// cases.
type client struct {
	base  string
	token string
	http  http.Client
	close func() error
	files bool // this process holds the data, and no server runs
	// scrub overwrites what was erased until its context ends; nil: the server does.
	scrub func(context.Context) error
	// work does what the API only takes, such as imports, until its context ends;
	// nil: the server does.
	work func(context.Context) error
	// integrity reads all records that stop mail, and all queued mail but its
	// bodies; nil: the server does that.
	integrity func(context.Context) (people, mail store.Integrity, err error)
}

// operate opens the data, or reaches the server that holds it, and runs work.
func (a *app) operate(ctx context.Context, work func(*client) error) error {
	s, err := a.lenientSettings()
	if err != nil {
		return err
	}
	c, err := a.open(ctx, s)
	if err != nil {
		return err
	}
	err = work(c)
	if closeErr := c.close(); err == nil {
		err = closeErr
	}
	return err
}

// open opens an existing data folder, or reaches the server where another
// process has the folder open.
func (a *app) open(ctx context.Context, s *settings) (*client, error) {
	if begun, err := sqlite.Begun(s.DataDir); err == nil && !begun {
		// A command that only looks must not make a data folder.
		return nil, fault("OFFRAMP_DATA_DIR: no data in %s: mount the volume, or name the server's data folder; `offramp init --data` makes a new one", s.DataDir)
	}
	if err := s.needLedgerKey(); err != nil {
		// The server may have its key from where this command does not look.
		if !s.adminAnswers(ctx) {
			return nil, err
		}
		return s.serverClient(), nil
	}
	db, err := a.openWhenFree(ctx, s, slog.New(slog.DiscardHandler), func() bool { return s.adminAnswers(ctx) })
	if errors.Is(err, store.ErrInUse) {
		return s.serverClient(), nil
	}
	if err != nil {
		return nil, err
	}
	signer, err := s.receipts()
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	p := gateway.Parts{Receipts: signer, FeedbackDir: s.feedbackDir(), ImportDir: s.importDir(), Now: a.now}
	p.Version, p.Revision = readBuild().Version, readBuild().Revision
	keepIn(db, &p)
	handler, work, err := gateway.API(ctx, s.Gateway, p)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	c := &client{base: "http://localhost", token: s.Gateway.Admin.Token, close: db.Close, files: true, scrub: db.Scrubber().Run, work: work, integrity: integrityOf(db)}
	c.http.Transport = inProcess{handler}
	return c, nil
}

func integrityOf(db *sqlite.DB) func(context.Context) (people, mail store.Integrity, err error) {
	return func(ctx context.Context) (people, mail store.Integrity, err error) {
		if err = db.Consent().Verified(ctx); err == nil {
			err = db.Spool().Inspected(ctx)
		}
		return db.Consent().Integrity(), db.Spool().Integrity(), err
	}
}

// serverClient speaks with the running server.
func (s *settings) serverClient() *client {
	return &client{base: s.adminURL(), token: s.Gateway.Admin.Token, http: *adminClient(), close: func() error { return nil }}
}

// apiError is an answer that is no success.
type apiError struct {
	status int
	detail string
}

func (e *apiError) Error() string { return e.detail }

// Unwrap lets the exit code tell temporary errors from others.
func (e *apiError) Unwrap() error {
	switch {
	case e.status == http.StatusServiceUnavailable:
		return store.ErrUnavailable
	case e.status == http.StatusNotFound:
		return store.ErrNotFound
	case e.status == http.StatusConflict:
		return store.ErrChanged
	case e.status == http.StatusBadRequest:
		return &usageError{e.detail}
	}
	return nil
}

// maxAnswer is more than any page of the API has.
const maxAnswer = 256 << 20

// call sends in (nil: nothing) and reads the answer into out.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	kind := ""
	if in != nil {
		kind = "application/json"
	}
	resp, err := c.send(ctx, c.http, method, path, kind, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return cmp.Or(c.tooSlow(err), err)
	}
	return json.Unmarshal(raw, out)
}

// send sends a request and returns an answer that is a success.
func (c *client) send(ctx context.Context, over http.Client, method, path, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/api/v1/"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "offramp")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := over.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if slow := c.tooSlow(err); slow != nil {
			return nil, slow
		}
		return nil, &unreachable{fmt.Sprintf("the data folder is in use, but no server answers on %s: set the server's OFFRAMP_ADMIN_ADDR and OFFRAMP_ADMIN_TOKEN for this command", c.base), err}
	}
	if resp.StatusCode < http.StatusMultipleChoices {
		return resp, nil
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, cmp.Or(c.tooSlow(err), err)
	}
	return nil, c.refused(resp.StatusCode, raw)
}

// refused is the error of an answer that is no success.
func (c *client) refused(status int, raw []byte) error {
	if status == http.StatusUnauthorized {
		return &apiError{status, fmt.Sprintf("the server on %s refuses the key: set the server's OFFRAMP_ADMIN_TOKEN for this command", c.base)}
	}
	var p record.Problem
	if json.Unmarshal(raw, &p) != nil || p.Detail == "" {
		p.Detail = fmt.Sprintf("%s answers %d, but does not look like Offramp", c.base, status)
	}
	return &apiError{status, p.Detail}
}

// tooSlow says that a server is there, and has not answered in time; nil: err is
// something else.
func (c *client) tooSlow(err error) error {
	timeout, ok := errors.AsType[net.Error](err)
	if !ok || !timeout.Timeout() {
		return nil
	}
	return &unreachable{fmt.Sprintf("the server on %s did not answer within %s. Try again; if it stays so, look at `offramp health` and the server's log", c.base, c.http.Timeout), err}
}

// unreachable says that a server holds the data and does not answer.
type unreachable struct {
	text  string
	cause error
}

func (e *unreachable) Error() string { return e.text }
func (e *unreachable) Unwrap() error { return errors.Join(store.ErrUnavailable, e.cause) }

// pairs makes a query of names and values; empty values are left out.
func pairs(namesAndValues ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		if namesAndValues[i+1] != "" {
			q.Set(namesAndValues[i], namesAndValues[i+1])
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// number writes a number for a query; 0 is left out.
func number[N int | int64](n N) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

// timestamp writes a time for a query; the zero time is left out.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
