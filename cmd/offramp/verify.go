package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/ledger"
	"offramp/gateway/record"
	"offramp/store"
)

// verified is what a verification found.
type verified struct {
	OK      bool       `json:"ok"`
	Entries int64      `json:"entries"`
	Emptied int64      `json:"emptied"` // contents gone with erased people
	First   int64      `json:"first"`
	From    time.Time  `json:"from,omitzero"`
	Last    int64      `json:"last"`
	Link    record.Sum `json:"link"`
	Wrong   string     `json:"wrong,omitempty"`
}

func (a *app) eventsVerify() *cobra.Command {
	var files []string
	var key string
	cmd := &cobra.Command{
		Use: "verify", Short: "Verify the ledger of events; exits 1 when anything was changed", Args: exactly(),
		Long: "Read the whole ledger of events and verify that none was changed, removed, added\n" +
			"or moved. Whoever can write the data could rewrite the whole ledger: a receipt\n" +
			"issued earlier pins everything up to its event, so give one or more of\n" +
			"the newest.",
		Example: "  offramp receipt ada@example.org > ada.txt\n  offramp events verify --receipt ada.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var texts []namedText
			for _, name := range files {
				receipts, err := a.readReceipts(name)
				if err != nil {
					return err
				}
				for _, text := range receipts {
					texts = append(texts, namedText{name, text})
				}
			}
			return a.operate(cmd.Context(), func(c *client) error { return a.verifyEvents(cmd.Context(), c, texts, key) })
		},
	}
	cmd.Flags().StringArrayVar(&files, "receipt", nil, "file with receipts issued earlier; repeatable")
	cmd.Flags().StringVar(&key, "key", "", "public key of the receipts (default: that of the server or the data)")
	return cmd
}

// namedText is a text and the file it comes from.
type namedText struct{ name, text string }

// links returns the link that the receipts say each event has.
func links(receipts []namedText, key string) (map[int64]store.Sum, error) {
	found := map[int64]store.Sum{}
	for _, n := range receipts {
		r, err := ledger.OpenReceipt([]byte(n.text), key)
		if err != nil {
			return nil, receiptFault(n.name, err)
		}
		if link, ok := found[r.Event]; ok && link != r.Link {
			return nil, fmt.Errorf("%s: contradicts another receipt about event %d: there are two ledgers", n.name, r.Event)
		}
		found[r.Event] = r.Link
	}
	return found, nil
}

// verifyTries is how often a ledger is read that is changed by an erasure or
// the retention while it is read.
const verifyTries = 3

func (a *app) verifyEvents(ctx context.Context, c *client, receipts []namedText, key string) error {
	if len(receipts) > 0 && key == "" {
		var err error
		if key, err = c.receiptKey(ctx); err != nil {
			return err
		}
	}
	known, err := links(receipts, key)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		v, head, wrong, err := a.readLedger(ctx, c, known)
		if err != nil {
			return err
		}
		if wrong != nil {
			var now record.LedgerHead
			if err := c.call(ctx, "GET", "ledger/head", nil, &now); err != nil {
				return err
			}
			if now != head && try < verifyTries {
				continue
			}
			v.Wrong = wrong.Error()
		}
		return a.printVerified(v, len(known))
	}
}

// readLedger reads the ledger up to where it reached when it began. wrong says
// what does not verify.
func (a *app) readLedger(ctx context.Context, c *client, receipts map[int64]store.Sum) (v verified, head record.LedgerHead, wrong, err error) {
	if err = c.call(ctx, "GET", "ledger/head", nil, &head); err != nil {
		return v, head, nil, err
	}
	v.Link, v.Last = head.Link, head.ID
	verifier := &ledger.Verifier{Receipts: receipts}
	for after, done := int64(0), false; !done; {
		var page record.EntryPage
		if err = c.call(ctx, "GET", "ledger"+pairs("after", number(after), "limit", "5000"), nil, &page); err != nil {
			return v, head, nil, err
		}
		for _, e := range page.Items {
			if done = e.ID > head.ID; done {
				break
			}
			if wrong = verifier.Add(entryOf(e)); wrong != nil {
				return v, head, wrong, nil
			}
			v.count(e)
			after = e.ID
		}
		done = done || page.Next == 0
		a.progress("verified %d of %d", v.Entries, head.ID-head.First)
	}
	a.progress("")
	wrong = verifier.End(store.Head{
		ID: head.ID, Link: store.Sum(head.Link), First: head.First, FirstLink: store.Sum(head.FirstLink),
	})
	return v, head, wrong, nil
}

func (v *verified) count(e record.Entry) {
	if v.Entries == 0 {
		v.First, v.From = e.ID, e.Time
	}
	v.Entries++
	if e.Emptied {
		v.Emptied++
	}
}

// entryOf is what the API was given of the store.
func entryOf(e record.Entry) store.Entry {
	return store.Entry{
		Event: store.Event{
			ID: e.ID, Time: e.Time, Kind: store.EventKind(e.Kind), Recipient: e.Recipient, List: e.List, Way: store.Way(e.Way),
			Reason: store.Reason(e.Reason), Ref: e.Ref, QueueID: e.QueueID, MessageID: e.MessageID,
			IP: e.IP, UserAgent: e.UserAgent, Who: e.Who, Detail: e.Detail,
		},
		Salt: e.Salt, Erased: e.Erased, Digest: store.Sum(e.Digest), Link: store.Sum(e.Link),
	}
}

func (a *app) printVerified(v verified, receipts int) error {
	v.OK = v.Wrong == ""
	switch {
	case a.asJSON:
		if err := a.printJSON(v); err != nil {
			return err
		}
	case !v.OK:
		a.print("The ledger does not verify: %s", printable(v.Wrong))
	case v.Entries == 0:
		a.print("The ledger is empty.")
	default:
		a.print("The ledger verifies: %s, %d of them emptied, from event %d (%s) to event %d, and %s.",
			plural(v.Entries, "event"), v.Emptied, v.First, v.From.UTC().Format(time.RFC3339), v.Last, plural(receipts, "receipt"))
		a.print("head %x", v.Link)
	}
	if !v.OK {
		return silent{exitFailed}
	}
	return nil
}

// progress shows on a terminal how far something is; an empty format clears it.
func (a *app) progress(format string, args ...any) {
	if a.tty && !a.asJSON {
		fmt.Fprintf(a.stderr, "\r\x1b[K"+format, args...)
	}
}
