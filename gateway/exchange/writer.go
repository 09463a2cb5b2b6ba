package exchange

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/envelope"
	"offramp/store"
)

// How an export names people.
const (
	HashNone   = "none"
	HashSHA256 = "sha256" // of the address in lower case, as partners compute it
	HashKeyed  = "keyed"  // only this gateway can compute it
)

// WriteOptions say what is written.
type WriteOptions struct {
	Format Format // one of WriteFormats
	Hash   string // empty: HashNone
	// Hashed is the keyed hash of a lookup key; needed with HashKeyed.
	Hashed func(recipient string) string
}

// WriteFormats are the formats that can be written: ours, which lose nothing, plain,
// and one for each file that another system takes.
func WriteFormats() []string {
	all := []string{string(CSV), string(JSON), string(Plain)}
	for _, f := range leaving {
		all = append(all, string(f))
	}
	return all
}

var leaving = []Format{
	SendGridBounces, SendGridSpam, SendGridUnsubscribes, MailgunBounces, MailgunComplaints, MailgunUnsubscribes, Postmark, SES,
}

// Leaves says whether a format is one of another system, or plain: it has one line for
// an address, and says less than is known.
func (f Format) Leaves() bool { return f != CSV && f != JSON }

// Left counts what an export could not say.
type Left struct {
	Erased int64 `json:"erased"` // of erased people, whose address is gone
	Wide   int64 `json:"wide"`   // of whole domains
	Other  int64 `json:"other"`  // of a reason that the format has no word for
	Weaker int64 `json:"weaker"` // of addresses that are written with a stronger reason, or once
}

// Writer writes records, which come by recipient.
type Writer struct {
	o    WriteOptions
	out  io.Writer
	csv  *csv.Writer
	json *json.Encoder
	left Left
	held *Record // the strongest of one address that is not written yet
	rows int64
}

// NewWriter begins a file.
func NewWriter(out io.Writer, o WriteOptions) (*Writer, error) {
	if o.Hash == "" {
		o.Hash = HashNone
	}
	w := &Writer{o: o, out: out, csv: csv.NewWriter(out), json: json.NewEncoder(out)}
	w.json.SetEscapeHTML(false)
	switch {
	case o.Hash != HashNone && o.Hash != HashSHA256 && o.Hash != HashKeyed:
		return nil, fmt.Errorf("hash %s: want none, sha256 or keyed", quoted(o.Hash))
	case o.Hash != HashNone && o.Format != CSV && o.Format != JSON && o.Format != Plain:
		return nil, fmt.Errorf("format %s has no hashes: want csv, json or plain", o.Format)
	}
	return w, w.begin()
}

// begin writes what stands before the first record.
func (w *Writer) begin() error {
	switch w.o.Format {
	case CSV:
		whom := map[string]string{HashNone: "email", HashSHA256: "sha256", HashKeyed: "hash"}[w.o.Hash]
		return w.csv.Write(append([]string{whom}, ownColumns...))
	case JSON, Plain, SES:
		return nil
	case SendGridBounces:
		return w.csv.Write([]string{"status", "reason", "email", "created"})
	case SendGridSpam:
		return w.csv.Write([]string{"email", "created", "ip"})
	case SendGridUnsubscribes:
		return w.csv.Write([]string{"email", "created"})
	case MailgunBounces:
		return w.csv.Write([]string{"address", "code", "error", "created_at"})
	case MailgunComplaints:
		return w.csv.Write([]string{"address", "created_at"})
	case MailgunUnsubscribes:
		return w.csv.Write([]string{"address", "tags", "created_at"})
	case Postmark:
		_, err := io.WriteString(w.out, `{"Suppressions":[`)
		return err
	}
	return fmt.Errorf("format %s: want %s", quoted(string(w.o.Format)), strings.Join(WriteFormats(), ", "))
}

// Write writes one record, or counts why it cannot be written.
func (w *Writer) Write(r Record) error {
	erased, wide := !strings.Contains(r.Recipient, "@"), store.IsPattern(r.Recipient)
	switch {
	case wide && (w.o.Format.Leaves() || w.o.Hash != HashNone):
		w.left.Wide++
		return nil
	case erased && w.o.Hash != HashKeyed:
		w.left.Erased++
		return nil
	case !w.o.Format.Leaves():
		return w.own(r)
	case !w.o.Format.says(r.Reason):
		w.left.Other++
		return nil
	}
	if w.held != nil && w.held.Recipient == r.Recipient && (w.o.Format != MailgunUnsubscribes || tagOf(*w.held) == tagOf(r)) {
		w.left.Weaker++
		w.merge(r)
		return nil
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.held = &r
	return nil
}

// says whether a format has a word for a reason. Pauses end, and no system knows them.
func (f Format) says(reason store.Reason) bool {
	bounced, complained := reason == store.ReasonBounced, reason == store.ReasonComplained
	left := reason == store.ReasonUnsubscribed || reason == store.ReasonUnsubscribedAll || reason == store.ReasonManual
	switch f {
	case SendGridBounces, MailgunBounces:
		return bounced
	case SendGridSpam, MailgunComplaints:
		return complained
	case SendGridUnsubscribes, MailgunUnsubscribes: // these have no other place for what the operator stopped
		return left
	case SES:
		return bounced || complained
	}
	return bounced || complained || left
}

// merge keeps the stronger of two records of one address, with the earlier date.
func (w *Writer) merge(r Record) {
	since := w.held.Since
	if r.Since.Before(since) {
		since = r.Since
	}
	if Strength(r.Reason) > Strength(w.held.Reason) {
		w.held = &r
	}
	w.held.Since = since
}

// Close writes what is left and what stands at the end.
func (w *Writer) Close() (Left, error) {
	if err := w.flush(); err != nil {
		return w.left, err
	}
	if w.o.Format == Postmark {
		if _, err := io.WriteString(w.out, "]}\n"); err != nil {
			return w.left, err
		}
	}
	w.csv.Flush()
	return w.left, w.csv.Error()
}

// flush writes the record that is held, for another system.
func (w *Writer) flush() error {
	if w.held == nil {
		return nil
	}
	r := *w.held
	w.held = nil
	w.rows++
	address := w.whom(r.Recipient)
	unix, rfc2822 := strconv.FormatInt(r.Since.Unix(), 10), r.Since.UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC")
	switch w.o.Format {
	case SendGridBounces:
		return w.row(statusOf(r.Note), r.Note, address, unix)
	case SendGridSpam:
		return w.row(address, unix, "")
	case SendGridUnsubscribes:
		return w.row(address, unix)
	case MailgunBounces:
		return w.row(address, "550", r.Note, rfc2822)
	case MailgunComplaints:
		return w.row(address, rfc2822)
	case MailgunUnsubscribes:
		return w.row(address, tagOf(r), rfc2822)
	case SES:
		word := "BOUNCE"
		if r.Reason == store.ReasonComplained {
			word = "COMPLAINT"
		}
		return w.row(address, word)
	case Postmark:
		return w.postmark(r)
	}
	_, err := io.WriteString(w.out, address+"\n")
	return err
}

// postmark writes one entry of a dump.
func (w *Writer) postmark(r Record) error {
	reason, origin := "ManualSuppression", "Recipient"
	switch r.Reason {
	case store.ReasonBounced:
		reason = "HardBounce"
	case store.ReasonComplained:
		reason = "SpamComplaint"
	case store.ReasonManual:
		origin = "Customer"
	}
	entry, err := json.Marshal(struct{ EmailAddress, SuppressionReason, Origin, CreatedAt string }{
		w.whom(r.Recipient), reason, origin, r.Since.UTC().Format(time.RFC3339),
	})
	if err == nil && w.rows > 1 {
		_, err = io.WriteString(w.out, ",\n")
	}
	if err == nil {
		_, err = w.out.Write(entry)
	}
	return err
}

// tagOf is the tag that Mailgun has for a list; * is all of them.
func tagOf(r Record) string {
	if r.List == store.AllLists {
		return "*"
	}
	return r.List
}

// statusOf is the status in a note, as SendGrid has it in a column.
func statusOf(note string) string {
	for word := range strings.FieldsSeq(note) {
		if len(word) >= 5 && word[0] >= '4' && word[0] <= '5' && word[1] == '.' {
			return strings.TrimRight(word, ":;,")
		}
	}
	return "5.0.0"
}

func (w *Writer) row(cells ...string) error {
	for i, cell := range cells {
		cells[i] = Guarded(cell)
	}
	return w.csv.Write(cells)
}

// whom names a person as the export does.
func (w *Writer) whom(recipient string) string {
	switch {
	case w.o.Hash == HashKeyed:
		return w.o.Hashed(recipient)
	case w.o.Hash == HashSHA256:
		sum := sha256.Sum256([]byte(strings.ToLower(recipient)))
		return hex.EncodeToString(sum[:])
	case store.IsPattern(recipient):
		return recipient
	}
	a, err := envelope.ParseUnquoted(recipient)
	switch {
	case err != nil:
		return recipient
	case w.o.Format.Leaves() && w.o.Format != Plain && formula(recipient):
		// Another system would take a ' for a part of the address. In quotes it is the
		// same mailbox (RFC 5321 section 4.1.2), and no formula.
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Local()) + `"@` + a.Domain()
	}
	return a.Literal()
}

// own writes a record as we read it again. A note could say who is behind a hash.
func (w *Writer) own(r Record) error {
	line := ownLine{List: r.List, Reason: string(r.Reason), Source: r.Source, Created: stamp(r.Since), Expires: stamp(r.Until), EventID: r.Event}
	whom := w.whom(r.Recipient)
	switch w.o.Hash {
	case HashSHA256:
		line.SHA256 = whom
	case HashKeyed:
		line.Hash = whom
	default:
		line.Email, line.Note = whom, r.Note
	}
	if w.o.Format == JSON {
		return w.json.Encode(line)
	}
	event := ""
	if line.EventID != 0 {
		event = strconv.FormatInt(line.EventID, 10)
	}
	return w.row(whom, line.List, line.Reason, line.Source, line.Created, line.Expires, line.Note, event)
}

// ownLine is a line of our own JSON. One of Email, SHA256 and Hash is set.
type ownLine struct {
	Email   string `json:"email,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
	Hash    string `json:"hash,omitempty"`
	List    string `json:"list"` // empty: all lists
	Reason  string `json:"reason"`
	Source  string `json:"source"`
	Created string `json:"created_at"` // RFC 3339, UTC
	Expires string `json:"expires_at,omitempty"`
	Note    string `json:"note,omitempty"`
	EventID int64  `json:"event_id,omitempty"`
}

// stamp is a time as exports have it; the zero time is empty.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
