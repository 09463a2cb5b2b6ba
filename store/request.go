package store

import (
	"context"
	"time"
)

// Request is a request that changes something and must not act twice, as its
// client named it. Nothing in it can be read without the request itself, so an
// erasure has nothing to remove here.
type Request struct {
	ID      [32]byte // of the client's name for it, under a key that the client has
	Caller  string   // whose share of the space it takes
	Digest  [32]byte // of what it asks for, under the same key
	Started time.Time
	Holder  [16]byte  // who runs it: each attempt draws another
	Until   time.Time // when its holder has certainly ended
	Answer  []byte    // sealed; nil: it still runs
}

// RequestLimits bound what is kept of requests.
type RequestLimits struct {
	Count int64 // of one caller
	Bytes int64 // of the answers of one caller
	All   int64 // bytes of the answers of all callers
}

// Requests remember requests, so that one that is sent again does not act again.
type Requests interface {
	// BeginRequest records r as running, and found is false. Where one with its
	// ID is kept that was started at or after since, that one is returned instead and
	// nothing is written; but one whose digest is the same, and which has no answer
	// though its Until is before r.Started, is r's by now: its holder ended without
	// an answer. ErrFull means that the caller has as many as limits allow.
	BeginRequest(ctx context.Context, r Request, since time.Time, limits RequestLimits) (before Request, found bool, err error)
	// EndRequest keeps an answer, or returns ErrChanged when r.Holder does not run
	// it any more, and ErrFull when limits leave no room for it.
	EndRequest(ctx context.Context, r Request, limits RequestLimits) error
	// DropRequest forgets a request that r.Holder runs: it changed nothing.
	DropRequest(ctx context.Context, r Request) error
	// RetireRequests removes requests that were started before a time, a bounded part
	// of them; it returns how many went, 0 at the end.
	RetireRequests(ctx context.Context, before time.Time) (int64, error)
}
