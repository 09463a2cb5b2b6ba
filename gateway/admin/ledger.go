package admin

import (
	"encoding/hex"
	"errors"
	"net/http"

	"offramp/store"
)

// Sum is a SHA-256, in JSON as hexadecimal text.
type Sum store.Sum

// MarshalText implements encoding.TextMarshaler.
func (s Sum) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

var errSum = errors.New("not a SHA-256 in hexadecimal")

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Sum) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != len(s) {
		return errSum
	}
	copy(s[:], raw)
	return nil
}

// Entry is one event in the ledger with all that verifies it; see [store.Entry].
type Entry struct {
	Event
	Emptied bool   `json:"emptied,omitempty"` // contents and salt are gone
	Erased  int64  `json:"erased,omitempty"`  // of an emptied entry: the event that says so
	Salt    []byte `json:"salt,omitempty"`    // base64
	Digest  Sum    `json:"digest"`
	Link    Sum    `json:"link"`
}

// EntryPage is the answer of GET /api/v1/ledger, by id.
type EntryPage struct {
	Items []Entry `json:"items"`
	Next  int64   `json:"next,omitempty"` // value of "after" for what follows; 0: that was all
}

// LedgerHead is how far the ledger reaches; see [store.Head].
type LedgerHead struct {
	ID        int64 `json:"id"`
	Link      Sum   `json:"link"`
	First     int64 `json:"first"`
	FirstLink Sum   `json:"first_link"`
}

// ledger lists entries: ?after= ?limit=.
func (s *server) ledger(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r, "after", "limit")
	if err != nil {
		return err
	}
	after, err := q.number("after")
	if err != nil {
		return err
	}
	limit, err := q.limit()
	if err != nil {
		return err
	}
	all, err := s.Records.Entries(r.Context(), after, limit)
	if err != nil {
		return err
	}
	page := EntryPage{Items: make([]Entry, 0, len(all))}
	for _, e := range all {
		page.Items = append(page.Items, Entry{
			Event: eventOf(e.Event), Emptied: e.Salt == nil, Erased: e.Erased, Salt: e.Salt,
			Digest: Sum(e.Digest), Link: Sum(e.Link),
		})
	}
	if len(all) == limit {
		page.Next = all[len(all)-1].Event.ID
	}
	return answer(w, page)
}

func (s *server) ledgerHead(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	h, err := s.Records.Head(r.Context())
	if err != nil {
		return err
	}
	return answer(w, LedgerHead{ID: h.ID, Link: Sum(h.Link), First: h.First, FirstLink: Sum(h.FirstLink)})
}
