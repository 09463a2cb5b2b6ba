package record

import (
	"encoding/hex"
	"errors"
	"time"

	"offramp/store"
)

// Event is one thing that happened to one recipient.
type Event struct {
	ID        int64     `json:"id" doc:"Grows with every event."`
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind" example:"unsubscribed"`
	Recipient string    `json:"recipient" example:"ada@example.net" doc:"The address in lookup form."`
	List      string    `json:"list,omitempty" doc:"Left out: all lists, or none."`
	Way       string    `json:"way,omitempty" example:"one-click" doc:"Of a choice: how it came."`
	Reason    string    `json:"reason,omitempty"`
	Ref       int64     `json:"ref,omitempty" doc:"Id of the event that this one is about."`
	QueueID   string    `json:"queue_id,omitempty"`
	MessageID string    `json:"message_id,omitempty"`
	IP        string    `json:"ip,omitempty" doc:"Address that the change came from."`
	UserAgent string    `json:"user_agent,omitempty"`
	Who       string    `json:"who,omitempty" doc:"Account or key that asked; left out: the person."`
	Detail    string    `json:"detail,omitempty"`
}

// EventOf is an event as the store has it.
func EventOf(e store.Event) Event {
	return Event{
		ID: e.ID, Time: e.Time, Kind: string(e.Kind), Recipient: e.Recipient, List: e.List, Way: string(e.Way),
		Reason: string(e.Reason), Ref: e.Ref, QueueID: e.QueueID, MessageID: e.MessageID,
		IP: e.IP, UserAgent: e.UserAgent, Who: e.Who, Detail: e.Detail,
	}
}

// EventPage is events, oldest first, or newest first where the latest are asked
// for.
type EventPage struct {
	Items  []Event `json:"items"`
	Cursor string  `json:"cursor,omitempty" doc:"The cursor of the next page; left out: that was all."`
	Next   int64   `json:"next,omitempty" deprecated:"true" doc:"The value of after for the next page, with latest that of before; use cursor."`
}

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
	Emptied bool   `json:"emptied,omitempty" doc:"Contents and salt are gone."`
	Erased  int64  `json:"erased,omitempty" doc:"Of an emptied entry: the event that says so."`
	Salt    []byte `json:"salt,omitempty"`
	Digest  Sum    `json:"digest" doc:"SHA-256 of salt and contents, in hexadecimal."`
	Link    Sum    `json:"link" doc:"SHA-256 of the link before and this digest, in hexadecimal."`
}

// EntryOf is an entry as the store has it.
func EntryOf(e store.Entry) Entry {
	return Entry{
		Event: EventOf(e.Event), Emptied: e.Salt == nil, Erased: e.Erased, Salt: e.Salt,
		Digest: Sum(e.Digest), Link: Sum(e.Link),
	}
}

// EntryPage is entries of the ledger, by id.
type EntryPage struct {
	Items  []Entry `json:"items"`
	Cursor string  `json:"cursor,omitempty" doc:"The cursor of the next page; left out: that was all."`
	Next   int64   `json:"next,omitempty" deprecated:"true" doc:"The value of after for the next page; use cursor."`
}

// LedgerHead is how far the ledger reaches; see [store.Head].
type LedgerHead struct {
	ID        int64 `json:"id" doc:"Id of the last event."`
	Link      Sum   `json:"link"`
	First     int64 `json:"first" doc:"Id of the first event that is kept."`
	FirstLink Sum   `json:"first_link"`
}

// Receipt is the receipt of one opt-out.
type Receipt struct {
	Event int64     `json:"event"`
	List  string    `json:"list" doc:"Empty: all lists."`
	Time  time.Time `json:"time" doc:"When the opt-out was received."`
	Text  string    `json:"text" doc:"The signed receipt."`
}

// ReceiptPage is receipts, newest first.
type ReceiptPage struct {
	Items []Receipt `json:"items"`
}

// ReceiptKey is what receipts are verified with.
type ReceiptKey struct {
	Key string `json:"key" doc:"Public key, in the form of golang.org/x/mod/sumdb/note."`
}
