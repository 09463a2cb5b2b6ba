package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

// importRow is one record of an import, checked.
type importRow struct {
	Target suppressed
	List   string // canonical; empty: all lists
	Reason store.Reason
	Since  time.Time // zero: now
	Until  time.Time // zero: for ever
	Note   string
}

// rawRow is a record as it stands in a file.
type rawRow struct {
	Email   string  `json:"email"`
	List    *string `json:"list"` // nil: the file does not say
	Reason  string  `json:"reason"`
	Created string  `json:"created_at"`
	Expires string  `json:"expires_at"`
	Note    string  `json:"note"`
}

// importer reads a file of one of the formats: CSV with a header that names
// the column email, one JSON object a line, or one address a line.
type importer struct {
	list   string       // where the file does not say
	reason store.Reason // of records that have none
	now    time.Time

	rows   []importRow
	index  map[importKey]int // of rows
	read   int               // records
	over   int               // have ended
	faulty int
	faults []string // the first of them
}

// importKey is what one record is kept of.
type importKey struct {
	recipient, list string
	reason          store.Reason
}

// The limits of an import.
const (
	maxImportRows = 2_000_000 // kept in memory until all are read
	maxImportLine = 1 << 20   // bytes
	maxHeader     = 64 << 10  // bytes in which the header of a file must end
	shownFaults   = 5
	longestNote   = 512 // bytes
)

// readImport reads everything before anything is changed. Its error is one of
// the whole file; what is wrong with single records stands in the importer.
func (m *importer) readImport(in io.Reader) error {
	m.index = map[importKey]int{}
	r := bufio.NewReaderSize(in, maxHeader)
	if bom, err := r.Peek(3); err == nil && string(bom) == "\ufeff" {
		_, _ = r.Discard(3) // what was peeked at is there
	}
	head, err := r.Peek(maxHeader)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	first, _, _ := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte("\n"))
	switch {
	case bytes.HasPrefix(first, []byte("{")):
		return m.readLines(r, m.jsonLine)
	case hasColumn(first, "email"):
		return m.readCSV(r)
	case hasColumn(first, "sha256"), hasColumn(first, "hash"):
		return fault("suppress import: this export has hashes instead of addresses: import one made without --hash")
	}
	return m.readLines(r, m.plainLine)
}

// hasColumn says whether a line is a CSV header with a column of that name.
func hasColumn(line []byte, name string) bool {
	header, err := csv.NewReader(bytes.NewReader(line)).Read()
	return err == nil && column(header, name) >= 0
}

// column is the first column of a name, whatever its case; -1: there is none.
func column(header []string, name string) int {
	return slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), name) })
}

func (m *importer) readCSV(in io.Reader) error {
	r := csv.NewReader(in)
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return fault("suppress import: invalid header: %v", err)
	}
	at := map[string]int{}
	for _, name := range []string{"email", "list", "reason", "created_at", "expires_at", "note"} {
		at[name] = column(header, name)
	}
	for {
		record, err := r.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &broken):
			m.fault(broken.StartLine, broken.Err.Error())
			continue
		case err != nil:
			return err
		}
		cell := func(name string) string {
			if i := at[name]; i >= 0 && i < len(record) {
				return unguarded(strings.TrimSpace(record[i]))
			}
			return ""
		}
		raw := rawRow{cell("email"), nil, cell("reason"), cell("created_at"), cell("expires_at"), cell("note")}
		if list := cell("list"); at["list"] >= 0 {
			raw.List = &list
		}
		line, _ := r.FieldPos(0)
		if err := m.add(line, raw); err != nil {
			return err
		}
	}
}

// readLines reads a file of lines; blank ones count for nothing.
func (m *importer) readLines(in io.Reader, row func(string) (raw rawRow, ok bool, err error)) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxImportLine)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		raw, ok, err := row(text)
		switch {
		case err != nil:
			m.fault(n, err.Error())
		case ok:
			if err := m.add(n, raw); err != nil {
				return err
			}
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fault("suppress import: line longer than 1 MiB: this does not look like a file of addresses")
	}
	return lines.Err()
}

var errNoObject = errors.New("not a JSON object with string values")

func (m *importer) jsonLine(text string) (raw rawRow, ok bool, err error) {
	if json.Unmarshal([]byte(text), &raw) != nil {
		return raw, false, errNoObject
	}
	return raw, true, nil
}

func (m *importer) plainLine(text string) (raw rawRow, ok bool, err error) {
	return rawRow{Email: unguarded(text)}, text[0] != '#', nil
}

// fault counts a record that cannot be taken.
func (m *importer) fault(line int, text string) {
	m.read++
	m.faulty++
	if len(m.faults) < shownFaults {
		m.faults = append(m.faults, fmt.Sprintf("line %d: %s", line, text))
	}
}

// add checks a record and keeps it: of several about the same, the earliest
// date and the latest end.
func (m *importer) add(line int, raw rawRow) error {
	row, err := m.check(raw)
	if err != nil {
		m.fault(line, err.Error())
		return nil
	}
	m.read++
	if !row.Until.IsZero() && !row.Until.After(m.now) {
		m.over++
		return nil
	}
	key := importKey{row.Target.key(), row.List, row.Reason}
	i, again := m.index[key]
	if !again {
		if len(m.rows) == maxImportRows {
			return fault("suppress import: more than %d records: split the file", maxImportRows)
		}
		m.index[key] = len(m.rows)
		m.rows = append(m.rows, row)
		return nil
	}
	kept := &m.rows[i]
	if kept.Since.IsZero() || !row.Since.IsZero() && row.Since.Before(kept.Since) {
		kept.Since = row.Since
	}
	if row.Until.IsZero() || !kept.Until.IsZero() && row.Until.After(kept.Until) {
		kept.Until = row.Until
	}
	if kept.Note == "" {
		kept.Note = row.Note
	}
	return nil
}

// check makes a row of a record.
func (m *importer) check(raw rawRow) (importRow, error) {
	row := importRow{Reason: store.Reason(strings.ToLower(raw.Reason))}
	var err error
	if row.Target, err = parseTarget(strings.TrimSpace(raw.Email)); err != nil {
		return row, err
	}
	if err := row.Target.narrow(); err != nil {
		return row, err
	}
	if row.Reason == "" {
		row.Reason = m.reason
	}
	list := m.list
	if raw.List != nil {
		list = *raw.List
	}
	row.List = listunsub.CanonicalID(list)
	if row.Since, err = m.date(raw.Created); err != nil || row.Since.After(m.now) {
		return row, fmt.Errorf("created_at: %q is not a time in the past", shortened(raw.Created))
	}
	if row.Until, err = m.date(raw.Expires); err != nil {
		return row, fmt.Errorf("expires_at: invalid time %q", shortened(raw.Expires))
	}
	if !row.settleReason() {
		return row, fmt.Errorf("reason %q: want manual, bounced, complained, unsubscribed, unsubscribed-all, paused or paused-all", shortened(raw.Reason))
	}
	return row, m.checkReason(&row, raw)
}

// checkReason checks what goes with the reason.
func (m *importer) checkReason(row *importRow, raw rawRow) error {
	pause := row.Reason == store.ReasonPaused || row.Reason == store.ReasonPausedAll
	switch {
	case row.Reason == store.ReasonManual || row.Reason == store.ReasonBounced || row.Reason == store.ReasonComplained:
		row.Note = oneLine(raw.Note)
	case row.Target.pattern != (envelope.Pattern{}):
		return fmt.Errorf("reason %q: only a person unsubscribes or pauses; a domain takes manual, bounced or complained", row.Reason)
	case pause == row.Until.IsZero():
		return errors.New("expires_at is the end of a pause or suppression: required for a pause, not allowed for an opt-out")
	}
	if pause && row.Until.Sub(m.now) > consent.LongestPause {
		return errors.New("expires_at: a pause is at most two years long")
	}
	return nil
}

// settleReason gives a person's own choice the reason that fits its scope. It
// says whether the reason is one that can be imported.
func (row *importRow) settleReason() bool {
	switch row.Reason {
	case store.ReasonManual, store.ReasonBounced, store.ReasonComplained:
	case store.ReasonUnsubscribedAll, store.ReasonPausedAll:
		row.List = store.AllLists
	case store.ReasonUnsubscribed:
		if row.List == store.AllLists {
			row.Reason = store.ReasonUnsubscribedAll
		}
	case store.ReasonPaused:
		if row.List == store.AllLists {
			row.Reason = store.ReasonPausedAll
		}
	default:
		return false
	}
	return true
}

// date reads a time as exports have it; an empty one is the zero time.
func (m *importer) date(text string) (time.Time, error) {
	if text = strings.TrimSpace(text); text == "" {
		return time.Time{}, nil
	}
	t, err := parseMoment(text)
	return t.UTC().Truncate(time.Microsecond), err
}

// oneLine makes a text a note: one line, of at most longestNote bytes.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > longestNote {
		text = strings.ToValidUTF8(text[:longestNote], "")
	}
	return strings.TrimSpace(text)
}

// shortened is a text for a message.
func shortened(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
