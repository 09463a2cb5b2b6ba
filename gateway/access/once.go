package access

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"offramp/store"
)

// Why a request with an Idempotency-Key is refused.
var (
	// ErrName: the Idempotency-Key itself is invalid.
	ErrName = errors.New("invalid Idempotency-Key")
	// ErrOther: another request had this Idempotency-Key.
	ErrOther = errors.New("Idempotency-Key of another request")
	// ErrRuns: the request that had it still runs.
	ErrRuns = errors.New("request with this Idempotency-Key still runs")
	// ErrCrowded: the caller has as many as are kept.
	ErrCrowded = errors.New("too many requests with an Idempotency-Key")
	// ErrTooLong: the request was carried out, and its answer was too long to be
	// kept, or must not be.
	ErrTooLong = errors.New("answer was not kept")
)

const (
	maxRequestName = 255 // bytes
	// MaxRun is how long a request with an Idempotency-Key may take, and maxStream
	// one whose body is a file.
	MaxRun    = 2 * time.Minute
	maxStream = time.Hour
)

// requestLimits bound what is kept of the requests of 24 hours. An entry without
// its answer takes about 250 bytes.
var requestLimits = store.RequestLimits{Count: 100_000, Bytes: 64 << 20, All: 256 << 20}

// spare is how much of that is not for new requests, so that those which run can
// end.
const spare = 4 << 20

func newLimits() store.RequestLimits {
	l := requestLimits
	l.Bytes, l.All = l.Bytes-spare, l.All-spare
	return l
}

// Ask is a request that must not act twice.
type Ask struct {
	Caller Grant
	Name   string // the Idempotency-Key
	Method string
	Target string // path and query
	Body   [sha256.Size]byte
	MaxRun time.Duration // how long it may take; 0: [MaxRun]
}

// Answer is what it was answered.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
	// Sent is the SHA-256 of a body that was not known when the request began.
	Sent []byte `json:"sent,omitempty"`
	// Long says that Body is missing: it was too long, or secret.
	Long bool `json:"long,omitempty"`
}

// Attempt is a request that runs. It is ended by Keep or Drop.
type Attempt struct {
	access *Access
	record store.Request
	seal   cipher.AEAD
	secret bool     // the answer is not kept
	sent   *sending // a body that is read while it runs; nil: it was read before
}

// Begin says that a request runs from now on. Where it ran before, its answer is
// returned instead. Everything that is kept is under a key made of the caller's
// API key and the Idempotency-Key: who has the data alone learns nothing from it.
func (a *Access) Begin(ctx context.Context, ask Ask) (*Attempt, *Answer, error) {
	if ask.Name == "" || len(ask.Name) > maxRequestName || strings.ContainsFunc(ask.Name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, nil, ErrName
	}
	base := mac(ask.Caller.secret[:], ask.Name)
	t := &Attempt{access: a, record: store.Request{
		ID: mac(base[:], "id"), Caller: ask.Caller.ID, Started: a.now().UTC(),
		Digest: mac(base[:], fmt.Sprintf("request\x00%s\x00%s\x00%x", ask.Method, ask.Target, ask.Body)),
	}}
	t.record.Until = t.record.Started.Add(cmp.Or(ask.MaxRun, MaxRun))
	if _, err := io.ReadFull(a.random(), t.record.Holder[:]); err != nil {
		return nil, nil, fmt.Errorf("random bytes: %w", err)
	}
	key := mac(base[:], "answer")
	block, err := aes.NewCipher(key[:])
	if err == nil {
		t.seal, err = cipher.NewGCMWithRandomNonce(block)
	}
	if err != nil {
		return nil, nil, err
	}
	before, found, err := a.Requests.BeginRequest(ctx, t.record, t.record.Started.Add(-requestKept), newLimits())
	switch {
	case errors.Is(err, store.ErrFull):
		return nil, nil, fmt.Errorf("%w: %w", ErrCrowded, err)
	case err != nil:
		return nil, nil, err
	case !found:
		return t, nil, nil
	case before.Digest != t.record.Digest:
		return nil, nil, ErrOther
	case before.Answer == nil:
		return nil, nil, ErrRuns
	}
	answer, err := t.open(before.Answer)
	return nil, answer, err
}

func (t *Attempt) open(sealed []byte) (*Answer, error) {
	raw, err := t.seal.Open(nil, nil, sealed, t.record.ID[:])
	var answer Answer
	if err == nil {
		err = json.Unmarshal(raw, &answer)
	}
	if err != nil {
		return nil, fmt.Errorf("answer of a request: %w: %w", store.ErrDamaged, err)
	}
	return &answer, nil
}

// Keep has the same request answered the same for 24 hours. Without room for the
// answer, only that there was one is kept.
func (t *Attempt) Keep(ctx context.Context, answer Answer) error {
	short := Answer{Status: answer.Status, Sent: answer.Sent, Long: true}
	if t.secret {
		answer = short
	}
	err := t.keep(ctx, answer)
	if errors.Is(err, store.ErrFull) {
		err = t.keep(ctx, short)
	}
	return err
}

func (t *Attempt) keep(ctx context.Context, answer Answer) error {
	raw, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	t.record.Answer = t.seal.Seal(nil, nil, raw, t.record.ID[:])
	return t.access.Requests.EndRequest(ctx, t.record, requestLimits)
}

// Drop forgets the request: it changed nothing, so it may be sent again.
func (t *Attempt) Drop(ctx context.Context) error {
	return t.access.Requests.DropRequest(ctx, t.record)
}

func mac(key []byte, text string) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return [sha256.Size]byte(h.Sum(nil))
}
