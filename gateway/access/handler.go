package access

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"maps"
	"net/http"
	"slices"
)

// Field is the header field that names a request
// (draft-ietf-httpapi-idempotency-key-header).
const Field = "Idempotency-Key"

// maxAnswer is the longest answer that is kept, in bytes.
const maxAnswer = 1 << 20

// Rule is how a route treats requests with an Idempotency-Key.
type Rule struct {
	MaxBody int64 // bytes
	// Secret says that an answer is for once: it is not kept, only that there was
	// one.
	Secret bool
	// Stream says that the body is a file of any size, which is not kept in memory.
	Stream bool
}

// Once has next answer r, or answers as it did when the same request came before.
// Who sent r is in its context. On an error nothing was answered.
func (a *Access) Once(w http.ResponseWriter, r *http.Request, rule Rule, next http.Handler) error {
	names := r.Header.Values(Field)
	if len(names) == 0 || a.Requests == nil || r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		next.ServeHTTP(w, r)
		return nil
	}
	if len(names) > 1 {
		return ErrName
	}
	ask := Ask{Caller: From(r.Context()), Name: names[0], Method: r.Method, Target: r.URL.RequestURI()}
	r.Body = http.MaxBytesReader(w, r.Body, rule.MaxBody)
	sent := &sending{ReadCloser: r.Body, sum: sha256.New()}
	if rule.Stream {
		ask.MaxRun, r.Body = maxStream, sent
	} else {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		ask.Body, r.Body = sha256.Sum256(body), io.NopCloser(bytes.NewReader(body))
	}
	attempt, before, err := a.Begin(r.Context(), ask)
	if err != nil {
		return err
	}
	if before != nil {
		a.counts.repeated.Add(1)
		return before.again(w, sent)
	}
	ctx, cancel := context.WithTimeout(r.Context(), cmp.Or(ask.MaxRun, MaxRun))
	defer cancel()
	attempt.secret = rule.Secret
	if rule.Stream {
		attempt.sent = sent
	}
	a.run(w, r.WithContext(ctx), attempt, next)
	return nil
}

// again answers as before. Of a file that was sent it reads all: another one is
// another request.
func (answer *Answer) again(w http.ResponseWriter, sent *sending) error {
	if answer.Sent != nil {
		if _, err := io.Copy(io.Discard, sent); err != nil {
			return err
		}
		if !bytes.Equal(answer.Sent, sent.sum.Sum(nil)) {
			return ErrOther
		}
	}
	if answer.Long {
		return ErrTooLong
	}
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Idempotency-Replayed", "true")
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body) // an error here means that the client is gone
	return nil
}

// sending is a body of which the hash is made while it is read.
type sending struct {
	io.ReadCloser
	sum   hash.Hash
	ended bool
}

func (s *sending) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.sum.Write(p[:n])
	s.ended = s.ended || err == io.EOF
	return n, err
}

// run has next answer and keeps what it says, before the client has it: a client
// that does not get it asks again. What failed is not kept.
func (a *Access) run(w http.ResponseWriter, r *http.Request, attempt *Attempt, next http.Handler) {
	ctx := context.WithoutCancel(r.Context())
	kept := &recorder{ResponseWriter: w, status: http.StatusOK, before: maps.Clone(w.Header())}
	done := false
	defer func() {
		if !done { // a panic
			a.failed(ctx, attempt.Drop(ctx))
		}
	}()
	next.ServeHTTP(kept, r)
	done = true
	if answer, ok := attempt.answer(kept); ok {
		a.failed(ctx, attempt.Keep(ctx, answer))
	} else {
		a.failed(ctx, attempt.Drop(ctx))
	}
	kept.flush()
}

// answer is what is kept; ok is false for what failed, and for a file that was
// refused before all of it was read.
func (t *Attempt) answer(kept *recorder) (answer Answer, ok bool) {
	answer = kept.answer()
	switch s := kept.status; {
	case s >= 500, s == http.StatusConflict, s == http.StatusTooManyRequests:
		return answer, false
	case t.sent == nil:
		return answer, true
	}
	if !t.sent.ended { // the last read may not have said that it was the last
		_, err := t.sent.Read(make([]byte, 1))
		t.sent.ended = err == io.EOF
	}
	answer.Sent = t.sent.sum.Sum(nil)
	return answer, t.sent.ended
}

// failed logs that a request may act again when it is sent again.
func (a *Access) failed(ctx context.Context, err error) {
	if err != nil {
		a.log().ErrorContext(ctx, "the answer to a request with an Idempotency-Key was not kept", "error", err)
	}
}

// recorder keeps an answer back until it is known. One that is too long goes out
// at once.
type recorder struct {
	http.ResponseWriter
	before http.Header // fields that each answer gets, also one that is repeated
	status int
	body   bytes.Buffer
	wrote  bool // WriteHeader was called
	long   bool
}

func (k *recorder) WriteHeader(status int) {
	if !k.wrote {
		k.wrote, k.status = true, status
	}
}

func (k *recorder) Write(p []byte) (int, error) {
	k.wrote = true
	if !k.long && k.body.Len()+len(p) > maxAnswer {
		k.flush()
		k.long = true
	}
	if k.long {
		return k.ResponseWriter.Write(p)
	}
	return k.body.Write(p)
}

// Unwrap gives what sets deadlines its way ([http.ResponseController]).
func (k *recorder) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// flush sends what was kept back.
func (k *recorder) flush() {
	if k.long {
		return
	}
	k.ResponseWriter.WriteHeader(k.status)
	// An error here means that the client is gone.
	_, _ = k.ResponseWriter.Write(k.body.Bytes())
}

func (k *recorder) answer() Answer {
	if k.long {
		return Answer{Status: k.status, Long: true}
	}
	answer := Answer{Status: k.status, Body: k.body.Bytes(), Header: map[string]string{}}
	for name, values := range k.Header() {
		if !slices.Equal(values, k.before[name]) && len(values) > 0 {
			answer.Header[name] = values[0]
		}
	}
	return answer
}

// Refusal is what a client is answered to an error of this package. ok is false
// for an error that is not one of them.
func Refusal(err error) (status int, detail string, ok bool) {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.status, r.detail, true
		}
	}
	return 0, "", false
}

// refusals are all of them. Who does not have the whole key learns nothing of it.
var refusals = []struct {
	err    error
	status int
	detail string
}{
	{ErrNone, http.StatusUnauthorized, `Send an API key as "Authorization: Bearer KEY".`},
	{ErrWrong, http.StatusUnauthorized, "This is not an API key of this server."},
	{ErrRevoked, http.StatusUnauthorized, "This API key was revoked."},
	{ErrExpired, http.StatusUnauthorized, "This API key has expired."},
	{ErrGuesses, http.StatusTooManyRequests, "Too many wrong API keys came from this network; try again in a minute."},
	{ErrElsewhere, http.StatusForbidden, "Without a key only clients on the same machine are answered."},
	{ErrHost, http.StatusForbidden, "Without a key, use localhost or a loopback address as the host."},
	{ErrRate, http.StatusTooManyRequests, "This API key has no requests left; Retry-After says when it has."},
	{ErrScope, http.StatusForbidden, "The scope of this API key does not include this."},
	{ErrBound, http.StatusForbidden, "This API key is for some lists only, and this is about others or everything."},
	{ErrName, http.StatusBadRequest, "Idempotency-Key must be one text of 1 to 255 printable ASCII characters."},
	{ErrOther, http.StatusUnprocessableEntity, "Another request was sent with this Idempotency-Key: use a new one for each request."},
	{ErrRuns, http.StatusConflict, "The request with this Idempotency-Key still runs; send it again in a moment."},
	{ErrCrowded, http.StatusTooManyRequests, "Too many requests with an Idempotency-Key in 24 hours; send more items in one request, or send without."},
	{ErrTooLong, http.StatusConflict, "The request with this Idempotency-Key was carried out; its answer was too long, or secret, and is not repeated."},
}
