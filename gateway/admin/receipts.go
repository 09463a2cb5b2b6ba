package admin

import (
	"net/http"
	"time"

	"offramp/store"
)

// Receipt is the receipt of one opt-out.
type Receipt struct {
	Event int64     `json:"event"`
	List  string    `json:"list"` // empty: all lists
	Time  time.Time `json:"time"` // when the opt-out was received
	Text  string    `json:"text"` // signed; see offramp/gateway/ledger
}

// ReceiptPage is the answer of GET /api/v1/recipients/{address}/receipts, newest
// first.
type ReceiptPage struct {
	Items []Receipt `json:"items"`
}

// ReceiptKey is the answer of GET /api/v1/receipts/key.
type ReceiptKey struct {
	Key string `json:"key"` // public key, in the form of golang.org/x/mod/sumdb/note
}

// maxReceipts is how many receipts one answer has.
const maxReceipts = 100

var errNoReceipts = refusal{status: http.StatusNotFound, detail: "This server signs no receipts."}

// receipts signs a person's newest opt-outs: ?list=. Only what is in the ledger
// can be signed: of a person who had everything erased there is nothing.
func (s *server) receipts(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r, "list")
	if err != nil {
		return err
	}
	if s.Receipts == nil {
		return errNoReceipts
	}
	to, err := address(r.PathValue("address"))
	if err != nil {
		return err
	}
	optOuts, err := s.Records.Events(r.Context(), store.EventFilter{
		Recipient: to.Key(), List: q.list("list"), Kinds: []store.EventKind{store.EventUnsubscribed}, Latest: true, Limit: maxReceipts,
	})
	if err != nil {
		return err
	}
	page := ReceiptPage{Items: make([]Receipt, 0, len(optOuts))}
	for _, e := range optOuts {
		text, err := s.Receipts.Issue(r.Context(), s.Records, e)
		if err != nil {
			return err
		}
		page.Items = append(page.Items, Receipt{Event: e.ID, List: e.List, Time: e.Time, Text: string(text)})
	}
	return answer(w, page)
}

func (s *server) receiptKey(w http.ResponseWriter, r *http.Request) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	if s.Receipts == nil {
		return errNoReceipts
	}
	return answer(w, ReceiptKey{Key: s.Receipts.Verifier()})
}
