package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/gateway/ledger"
	"offramp/gateway/record"
	"offramp/store"
)

func (a *app) receiptCommand() *cobra.Command {
	var list string
	cmd := &cobra.Command{
		Use: "receipt ADDRESS", Short: "Write signed receipts of a person's opt-outs; exits 1 when there are none",
		Args: exactly("ADDRESS"),
		Long: "Write signed receipts of a person's opt-outs, the newest first: when each was\n" +
			"received, when it was in force, by which channel and for which list. Anybody can\n" +
			"check one with `offramp receipt check`, or with any reader of signed notes, and\n" +
			"the key that `offramp receipt key` shows.",
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := a.recipientPath(args)
			if err != nil {
				return err
			}
			query := ""
			if cmd.Flags().Changed("list") {
				query = pairs("list", list)
			}
			var page record.ReceiptPage
			err = a.operate(cmd.Context(), func(c *client) error {
				return c.call(cmd.Context(), "GET", path+"/receipts"+query, nil, &page)
			})
			if err != nil {
				return err
			}
			return a.printReceipts(page.Items)
		},
	}
	cmd.Flags().StringVar(&list, "list", "", "only of this list")
	cmd.AddCommand(a.receiptCheck(), a.receiptKey())
	return cmd
}

// printReceipts writes each receipt as it is signed.
func (a *app) printReceipts(all []record.Receipt) error {
	if len(all) == 0 {
		a.say("There is no opt-out to give a receipt for.")
		return silent{exitFailed}
	}
	for i, r := range all {
		switch {
		case a.asJSON:
			if err := a.printLine(r); err != nil {
				return err
			}
			continue
		case i > 0:
			a.print("")
		}
		if _, err := io.WriteString(a.stdout, r.Text); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) receiptKey() *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "Show the public key that receipts are checked with", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				key, err := c.receiptKey(cmd.Context())
				if err != nil {
					return err
				}
				if a.asJSON {
					return a.printJSON(record.ReceiptKey{Key: key})
				}
				a.print("%s", key)
				return nil
			})
		},
	}
}

func (c *client) receiptKey(ctx context.Context) (string, error) {
	var key record.ReceiptKey
	err := c.call(ctx, "GET", "receipts/key", nil, &key)
	return key.Key, err
}

func (a *app) receiptCheck() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use: "check FILE", Short: "Check the signatures of receipts; exits 1 when one is invalid", Args: exactly("FILE"),
		Long: "Check the signature of each receipt in a file and show what it says. With --key\n" +
			"nothing else is needed; otherwise the key comes from the server or the data. FILE -\n" +
			"is stdin.",
		RunE: func(cmd *cobra.Command, args []string) error {
			texts, err := a.readReceipts(args[0])
			if err != nil {
				return err
			}
			if key == "" {
				err := a.operate(cmd.Context(), func(c *client) (err error) {
					key, err = c.receiptKey(cmd.Context())
					return err
				})
				if err != nil {
					return err
				}
			}
			for _, text := range texts {
				r, err := ledger.OpenReceipt([]byte(text), key)
				if err != nil {
					return receiptFault(args[0], err)
				}
				if err := a.printReceipt(r); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "public key, as \"offramp receipt key\" shows it")
	return cmd
}

// maxReceiptFile is more than all receipts of a person have, in bytes.
const maxReceiptFile = 1 << 20

// readReceipts reads the receipts in a file, or on stdin.
func (a *app) readReceipts(name string) ([]string, error) {
	in := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fault("%s", plainPathError(err))
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxReceiptFile))
	if err != nil {
		return nil, fault("%s: %s", name, plainPathError(err))
	}
	return splitReceipts(string(text)), nil
}

// receiptHeading is the first line of a receipt.
const receiptHeading = "offramp receipt v1\n"

// splitReceipts returns the receipts in a text, at least one, whatever it is.
func splitReceipts(text string) []string {
	// An editor or a mail may have put the line ends of another system.
	text = strings.ReplaceAll(text, "\r\n", "\n")
	parts := strings.Split("\n"+text, "\n"+receiptHeading)
	if len(parts) == 1 || strings.TrimSpace(parts[0]) != "" {
		return []string{text}
	}
	parts = parts[1:]
	for i, p := range parts {
		parts[i] = receiptHeading + strings.TrimRight(p, "\n") + "\n"
	}
	return parts
}

// receiptFault words why a receipt does not open.
func receiptFault(name string, err error) error {
	switch {
	case errors.Is(err, ledger.ErrKey):
		return fault("--key: not a public key: `offramp receipt key` shows one")
	case errors.Is(err, ledger.ErrSignature):
		return &badReceipt{name + ": invalid signature: the receipt was changed, or comes from another gateway (then give its key with --key), or this command's OFFRAMP_PUBLIC_URL differs from the server's", err}
	}
	return &badReceipt{name + ": not a receipt, or one that was changed", err}
}

// badReceipt is a receipt that does not open.
type badReceipt struct {
	text  string
	cause error
}

func (e *badReceipt) Error() string { return e.text }
func (e *badReceipt) Unwrap() error { return e.cause }

// receiptView is what a receipt says.
type receiptView struct {
	Recipient string     `json:"recipient"`
	List      string     `json:"list"` // empty: all lists
	Kind      string     `json:"kind"`
	Way       string     `json:"way"`
	Received  time.Time  `json:"received"`
	InForce   time.Time  `json:"in_force,omitzero"`
	Event     int64      `json:"event"`
	Link      record.Sum `json:"link"`
}

func (a *app) printReceipt(r ledger.Receipt) error {
	if a.asJSON {
		return a.printLine(receiptView{
			r.Recipient, r.List, string(r.Kind), string(r.Way), r.Received, r.InForce, r.Event, record.Sum(r.Link),
		})
	}
	what := "all lists"
	if r.List != store.AllLists {
		what = "the list " + printable(r.List)
	}
	a.print("The signature is valid.")
	a.print("%s: %s, %s, by %s, received %s, event %d", printable(r.Recipient), r.Kind, what, r.Way, r.Received.Format(time.RFC3339Nano), r.Event)
	if r.InForce.IsZero() {
		a.print("The time from which it was in force is not recorded.")
	} else {
		a.print("In force %s, %s later.", r.InForce.Format(time.RFC3339Nano), r.InForce.Sub(r.Received))
	}
	return nil
}
