// Package exchange reads and writes files of suppressions: ours, and those of mail
// services and list managers. It is pure: it knows no store and no clock.
//
// What a file says and Offramp does not know is refused: a column that could change
// what a row means, or an unknown reason. Memory does not grow with a file: a record
// has at most 1 MiB.
package exchange

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"offramp/store"
)

// Format is the shape of a file.
type Format string

// The formats. Auto is recognised by the header row, or the first record.
const (
	Auto                  Format = "auto"
	CSV                   Format = "csv"  // our own, with a header row
	JSON                  Format = "json" // our own, one object on each line
	Plain                 Format = "plain"
	SendGridBounces       Format = "sendgrid-bounces"
	SendGridBlocks        Format = "sendgrid-blocks"
	SendGridInvalid       Format = "sendgrid-invalid"
	SendGridSpam          Format = "sendgrid-spam"
	SendGridUnsubscribes  Format = "sendgrid-unsubscribes" // global or of a group
	MailgunBounces        Format = "mailgun-bounces"
	MailgunUnsubscribes   Format = "mailgun-unsubscribes"
	MailgunComplaints     Format = "mailgun-complaints"
	SES                   Format = "ses"
	Postmark              Format = "postmark"
	MailchimpUnsubscribed Format = "mailchimp-unsubscribed"
	MailchimpCleaned      Format = "mailchimp-cleaned"
	Mandrill              Format = "mandrill"
	Listmonk              Format = "listmonk"
)

// Formats are all formats that can be read, for people.
func Formats() []string {
	all := []string{string(Auto), string(CSV), string(JSON), string(Plain), string(SES), string(Postmark)}
	for _, l := range layouts {
		if l.format != CSV {
			all = append(all, string(l.format))
		}
	}
	return slices.Compact(all) // one format may have several layouts, which follow each other
}

// The limits of a file.
const (
	maxRecord = 1 << 20  // bytes
	maxSniff  = 64 << 10 // bytes in which the first record must end
	maxNote   = 512      // bytes, as many as a record keeps
	maxTags   = 100      // lists of one row
)

// LongestPause is how far ahead a pause may end.
const LongestPause = 2 * 366 * 24 * time.Hour

// Record is one cause for which somebody gets no mail.
type Record struct {
	Recipient string // lookup key of an address, or a pattern of a domain
	List      string // canonical; empty: all lists
	Reason    store.Reason
	Since     time.Time
	Until     time.Time // zero: for ever
	Note      string
	Source    string // how it came; of our own files alone
	Event     int64  // the event that recorded it; of our own files alone
}

// Own says whether the record is a person's own choice.
func (r Record) Own() bool {
	switch r.Reason {
	case store.ReasonUnsubscribed, store.ReasonUnsubscribedAll, store.ReasonPaused, store.ReasonPausedAll:
		return true
	}
	return false
}

// Strength orders reasons: complained, unsubscribed, bounced, manual, and pauses,
// which end.
func Strength(r store.Reason) int {
	switch r {
	case store.ReasonComplained:
		return 4
	case store.ReasonUnsubscribed, store.ReasonUnsubscribedAll:
		return 3
	case store.ReasonBounced:
		return 2
	case store.ReasonManual:
		return 1
	}
	return 0
}

// Skip is why a row of a file is rightly left out.
type Skip string

// The causes.
const (
	SkipSoft   Skip = "soft"   // a soft bounce or a block, which passes
	SkipActive Skip = "active" // somebody who gets mail
	SkipEnded  Skip = "ended"  // it ended before the import
)

// Row is what one row of a file says: a record, or why there is none.
type Row struct {
	Line   int64 // where it begins, from 1
	Record Record
	Skip   Skip   // empty: it is not left out
	Fault  string // what is wrong with it; it names no person
}

// Options say how a file is to be read.
type Options struct {
	Format Format       // empty: Auto
	Name   string       // of the file; it tells two files of SendGrid's apart
	List   string       // canonical; where the file names none. Empty: all lists
	Reason store.Reason // of records without one; empty: store.ReasonManual
	// Since is the date of records that have none; zero: Now.
	Since time.Time
	Now   time.Time
	Soft  bool // take soft bounces and blocks too, as bounces
	// Ignore names columns that are known to change nothing; "*" is every one.
	Ignore []string
}

func (o Options) withDefaults() Options {
	if o.Format == "" {
		o.Format = Auto
	}
	if o.Reason == "" {
		o.Reason = store.ReasonManual
	}
	if o.Since.IsZero() {
		o.Since = o.Now
	}
	return o
}

// ErrFile is wrapped by every error about a whole file, whose text is for people.
var ErrFile = errors.New("file not understood")

type fileError struct{ text string }

func (e *fileError) Error() string { return e.text }
func (e *fileError) Unwrap() error { return ErrFile }

func fileFault(format string, args ...any) error {
	return &fileError{fmt.Sprintf(format, args...)}
}

// ColumnsError says that a file has columns, or fields, that are not known in its
// format. They could change what a row means.
type ColumnsError struct {
	Line    int64
	Format  Format
	Unknown []string
}

func (e *ColumnsError) Error() string {
	return fmt.Sprintf("line %d: unknown columns in a file of format %s: %s. Check that they change nothing in what a row means, then name them as columns to ignore (--ignore-columns)",
		e.Line, e.Format, strings.Join(e.Unknown, ", "))
}

func (e *ColumnsError) Unwrap() error { return ErrFile }
