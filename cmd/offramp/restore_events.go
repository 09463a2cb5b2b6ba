package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"time"

	"offramp/gateway/clock"
	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/gateway/feedback"
	"offramp/listunsub"
	"offramp/store"
	"offramp/store/sqlite"
)

// appliedView is what one file added.
type appliedView struct {
	File    string `json:"file"`
	Lines   int    `json:"lines"`
	OptOuts int    `json:"opt_outs"` // that were not there yet; so with the others
	Stops   int    `json:"suppressions"`
	Erased  int    `json:"erased"`
	Known   int    `json:"known"` // stood already, or are older than the data
	// Wishes for more mail, which no file brings back.
	Refused int `json:"not_applied"`
	// Erasures and opt-outs that name a person by a hash which fits nobody in the data.
	Unknown int      `json:"unknown_people"`
	Faults  []string `json:"faults,omitempty"` // lines that say nothing that can be applied

	understood bool // some line has an event or the link of an opt-out
}

func (v appliedView) print(a *app) {
	a.print("%s: %s: %s, %s and %s added, %d known already", v.File, plural(v.Lines, "line"),
		plural(v.OptOuts, "opt-out"), plural(v.Stops, "suppression"), plural(v.Erased, "erasure"), v.Known)
	if v.Refused > 0 {
		a.print("  %s ask for more mail and were not applied: those people can subscribe again on the page", plural(v.Refused, "line"))
	}
	if v.Unknown > 0 {
		a.print("  %s about erased people who are not in the data: nothing to erase", plural(v.Unknown, "line"))
	}
	for _, text := range v.Faults {
		a.print("  %s", printable(text))
	}
	if v.Lines > 0 && !v.understood && len(v.Faults) == 0 {
		a.print("  no event and no link of an opt-out is in it: a line is an event or a webhook's body, with nothing before the JSON, or a request in the common log format")
	}
}

// since is one line of a file: an event, or a webhook's body with one in it.
type since struct {
	ID        int64           `json:"id"`
	Time      time.Time       `json:"time"`
	Kind      store.EventKind `json:"kind"`
	Recipient string          `json:"recipient"`
	List      string          `json:"list"`
	Reason    store.Reason    `json:"reason"`
	Detail    string          `json:"detail"`
	Data      json.RawMessage `json:"data"`
}

// applying is one file that is applied.
type applying struct {
	people *consent.Consent
	lists  interface {
		EnsureList(ctx context.Context, l store.List) (store.List, error)
	}
	ring   *listunsub.KeyRing
	now    func() time.Time
	last   reach
	hashes map[string]bool // of people to erase
	view   appliedView
}

// maxFaults is how many lines that cannot be applied are named.
const maxFaults = 20

// applyFile adds the opt-outs and erasures of a file.
func (a *app) applyFile(ctx context.Context, s *settings, db *sqlite.DB, name string) (appliedView, error) {
	in, closeFile := a.stdin, func() error { return nil }
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return appliedView{}, fault("--events: %s", plainPathError(err))
		}
		in, closeFile = f, f.Close
	}
	people, err := a.peopleOf(ctx, s, db)
	if err != nil {
		return appliedView{}, errors.Join(err, closeFile())
	}
	w := &applying{people: people, lists: db.Consent(), now: a.now, hashes: map[string]bool{}, view: appliedView{File: name}}
	if w.ring, _, err = s.tokenKeys(); err != nil {
		return w.view, errors.Join(err, closeFile())
	}
	head, err := db.Consent().Head(ctx)
	if err == nil {
		w.last, err = reached(ctx, db.Consent(), head)
	}
	if err == nil {
		err = errors.Join(w.read(ctx, in, func(n int) { a.progress("%s: %s", name, plural(n, "line")) }), closeFile())
	}
	a.progress("")
	if err != nil {
		return w.view, err
	}
	return w.view, w.erase(ctx, db.Consent())
}

// peopleOf changes choices in data that no server has.
func (a *app) peopleOf(ctx context.Context, s *settings, db *sqlite.DB) (*consent.Consent, error) {
	known := &clock.Clock{Config: s.Gateway.Clock, Store: db.Consent(), Now: a.now}
	if err := known.Read(ctx); err != nil {
		return nil, err
	}
	return &consent.Consent{
		Config: s.Gateway.Consent, Store: db.Consent(), Records: db.Consent(), Turns: db.Consent(), Lists: db.Consent(),
		Mail: db.Spool(), Copies: &feedback.Kept{Dir: s.feedbackDir()}, Now: a.now, Sure: known.Sure, Log: slog.New(slog.DiscardHandler),
	}, nil
}

func (w *applying) read(ctx context.Context, in io.Reader, progress func(n int)) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if n%1000 == 0 {
			progress(n)
		}
		if err := w.line(ctx, n, bytes.TrimSpace(lines.Bytes())); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fault("--events: %s has a line longer than 1 MiB: this does not look like events or a log", w.view.File)
	}
	return lines.Err()
}

// line applies one line. Its error is the store's.
func (w *applying) line(ctx context.Context, n int, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	w.view.Lines++
	if text[0] != '{' && text[0] != '[' {
		return w.request(ctx, n, string(text))
	}
	events, wrong := eventsIn(text)
	if wrong != "" {
		w.fault(n, wrong)
	}
	for _, e := range events {
		if err := w.event(ctx, n, e); err != nil {
			return err
		}
	}
	return nil
}

func (w *applying) fault(n int, text string) {
	if len(w.view.Faults) < maxFaults {
		w.view.Faults = append(w.view.Faults, fmt.Sprintf("line %d %s", n, text))
	}
}

// eventsIn reads a line of JSON: an event, the body of a webhook with one in it, or an
// array of them. wrong says what cannot be read, beside the events that can.
func eventsIn(text []byte) (events []since, wrong string) {
	items := []json.RawMessage{text}
	if text[0] == '[' {
		if err := json.Unmarshal(text, &items); err != nil {
			return nil, "is not JSON"
		}
	}
	for _, item := range items {
		if e, ok := vendorEvent(item); ok {
			events = append(events, e)
			continue
		}
		var e since
		if err := json.Unmarshal(item, &e); err != nil {
			wrong = "is not an event in JSON"
			continue
		}
		if e.Kind == "" && len(e.Data) > 0 {
			var within since
			if err := json.Unmarshal(e.Data, &within); err != nil {
				wrong = "has no event in its data"
				continue
			}
			e = within
		}
		if e.Kind == "" {
			wrong = "is not an event, nor the body of a webhook"
			continue
		}
		events = append(events, e)
	}
	return events, wrong
}

// event applies what stops mail.
func (w *applying) event(ctx context.Context, n int, e since) error {
	w.view.understood = true
	// What the data has seen stands as it was decided later.
	earlier := !e.Time.IsZero() && e.Time.Before(w.last.Time.Truncate(time.Second)) // vendors' bodies have no number
	if e.ID > 0 && e.ID <= w.last.Event && !e.Time.After(w.last.Time) || e.ID == 0 && earlier {
		w.view.Known++
		return nil
	}
	switch e.Kind {
	case store.EventErased:
		w.hashes[e.Recipient] = true
		return nil
	case store.EventResubscribed, store.EventUnsuppressed, store.EventSharingAllowed:
		w.view.Refused++
		return nil
	case store.EventUnsubscribed, store.EventSuppressed, store.EventSharingRefused, store.EventPaused:
	default:
		return nil // nothing follows from it
	}
	if strings.HasPrefix(e.Recipient, "~") && !strings.Contains(e.Recipient, "@") {
		w.hashes[e.Recipient] = true // who is only known so was erased
		return nil
	}
	stop := consent.Stop{Subject: consent.Subject{List: e.List}, Reason: e.Reason, Note: e.Detail}
	var err error
	if envelope.LikePattern(e.Recipient) {
		stop.Pattern, err = envelope.ParsePattern(e.Recipient)
	} else {
		stop.Recipient, err = envelope.Parse(e.Recipient)
	}
	// Only a suppression can be of a pattern: the others are a person's choice.
	if err != nil || stop.Recipient.IsNull() && (stop.Pattern.Key() == "" || e.Kind != store.EventSuppressed) {
		w.fault(n, "names no recipient")
		return nil
	}
	return w.stop(ctx, n, e, stop)
}

func (w *applying) stop(ctx context.Context, n int, e since, stop consent.Stop) error {
	if stop.List != store.AllLists {
		if _, err := w.lists.EnsureList(ctx, store.List{ID: stop.List, Key: listunsub.ListKey(stop.List), Created: w.now().UTC()}); err != nil {
			return err
		}
	}
	ev := consent.Evidence{Who: "restore", Since: e.Time}
	switch e.Kind {
	case store.EventSuppressed:
		changed, err := w.people.Suppress(ctx, stop, ev)
		if errors.Is(err, consent.ErrReason) || errors.Is(err, envelope.ErrPublic) {
			w.fault(n, "is not a suppression that can be: "+err.Error())
			return nil
		}
		w.count(&w.view.Stops, changed)
		return err
	case store.EventUnsubscribed:
		return w.optOut(ctx, stop.Subject, ev)
	}
	seen, err := w.people.Person(ctx, stop.Recipient)
	if err != nil {
		return err
	}
	d := consent.Decision{Recipient: stop.Recipient, If: &seen}
	if e.Kind == store.EventSharingRefused {
		refuse := true
		d.RefuseSharing = &refuse
	} else if !w.pause(&d, seen, e) {
		w.view.Known++
		return nil
	}
	events, err := w.people.Decide(ctx, d, store.Operator, ev)
	w.count(&w.view.OptOuts, len(events) > 0)
	return err
}

// pause adds a pause that has not ended and stops more than what stands.
func (w *applying) pause(d *consent.Decision, seen store.Person, e since) bool {
	until, err := time.Parse(time.RFC3339, strings.TrimPrefix(e.Detail, "until "))
	if err != nil || !until.After(w.now()) {
		return false
	}
	wish := consent.Wish{List: e.List, State: store.Paused, Until: until}
	for _, c := range seen.Choices {
		if c.List != e.List {
			continue
		}
		if c.State == store.Unsubscribed || c.State == store.Paused && !c.Until.Before(until) {
			return false
		}
		wish.Every = c.Every
	}
	d.Wishes = []consent.Wish{wish}
	return true
}

func (w *applying) optOut(ctx context.Context, s consent.Subject, ev consent.Evidence) error {
	changed, err := w.people.OptOut(ctx, s, store.Operator, ev)
	w.count(&w.view.OptOuts, changed)
	return err
}

func (w *applying) count(what *int, changed bool) {
	if changed {
		*what++
	} else {
		w.view.Known++
	}
}

// oneClick finds the opt-outs in a log of HTTP requests: a POST to the link of a
// header that was answered with 200.
var oneClick = regexp.MustCompile(`\bPOST\s+\S*/u/([A-Za-z0-9_-]{20,400})[?\s][^"]*"?\s+200\b`)

// logTime is the time of a request in the common log format.
var logTime = regexp.MustCompile(`\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]`)

// pressIn reads the token of a one-click opt-out from a line of a log, and when it
// was; the zero time: the line does not say.
func pressIn(text string) (token string, at time.Time, ok bool) {
	found := oneClick.FindStringSubmatch(text)
	if found == nil {
		return "", at, false
	}
	if stamp := logTime.FindStringSubmatch(text); stamp != nil {
		if t, err := time.Parse("02/Jan/2006:15:04:05 -0700", stamp[1]); err == nil {
			at = t
		}
	}
	return found[1], at, true
}

// request applies a line of a log.
func (w *applying) request(ctx context.Context, n int, text string) error {
	token, at, ok := pressIn(text)
	if !ok {
		return nil
	}
	w.view.understood = true
	if !at.IsZero() && at.Before(w.last.Time.Truncate(time.Second)) {
		w.view.Known++
		return nil
	}
	c, err := w.ring.Open(token, listunsub.HeaderLink)
	if err != nil {
		w.fault(n, "has a link that the token keys do not open")
		return nil
	}
	address, err := envelope.Parse(c.Recipient)
	if err != nil || address.IsNull() {
		w.fault(n, "has a link of nobody")
		return nil
	}
	if c.List != store.AllLists {
		if _, err := w.lists.EnsureList(ctx, store.List{ID: c.List, Key: listunsub.ListKey(c.List), Created: w.now().UTC()}); err != nil {
			return err
		}
	}
	return w.optOut(ctx, consent.Subject{Recipient: address, List: c.List}, consent.Evidence{Who: "restore", Since: at})
}

// erase erases the people whose hashes the file has, where the data knows them.
func (w *applying) erase(ctx context.Context, data *sqlite.Consent) error {
	if len(w.hashes) == 0 {
		return nil
	}
	keys, err := data.Named(ctx, w.hashes)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, key := range keys {
		address, err := envelope.Parse(key)
		if err != nil || done[key] {
			continue
		}
		done[key] = true
		if err := w.people.Erase(ctx, address, store.Operator, consent.Evidence{Who: "restore"}); err != nil {
			return err
		}
		w.view.Erased++
	}
	w.view.Unknown = len(w.hashes) - len(done)
	return nil
}
