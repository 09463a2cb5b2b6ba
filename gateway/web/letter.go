package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"offramp/gateway/confirmation"
	"offramp/gateway/consent"
	"offramp/store"
)

// askAgain asks the person by mail whether they want again what a form asks
// for. Whoever holds a link can open the page; only who reads the mailbox can
// bring mail back.
func (h *handler) askAgain(x *submission) {
	asked := map[string]struct {
		list string
		off  bool
	}{
		actAgain:    {x.visit.subject.List, x.now.off(x.visit.subject.List)},
		actAllAgain: {store.AllLists, x.now.off(store.AllLists)},
		actAllow:    {store.AllLists, x.now.Sharing.Refused},
	}[x.form.action]
	if !x.fresh() || !asked.off {
		h.stale(x)
		return
	}
	line := h.ask(x, x.form.action, asked.list)
	h.showState(x.w, x.r, x.visit, x.now, answer{lines: []string{line}})
}

// dead is the text that says why no mail reaches the address now; empty: it does.
func (s state) dead(now time.Time) string {
	for _, stop := range s.Suppressions {
		switch {
		case stop.List != store.AllLists, stop.Over(now):
		case stop.Reason == store.ReasonBounced:
			return "page.stopped.bounced"
		case stop.Reason == store.ReasonManual:
			return "page.stopped.manual"
		}
	}
	return ""
}

// askCode sends the mail with the code that an erasure or a download needs. It
// goes out whatever the person left or complained of, and whether anything is
// stored or not.
func (h *handler) askCode(x *submission) {
	if why := x.now.dead(h.now()); why != "" {
		h.showState(x.w, x.r, x.visit, x.now, answer{status: http.StatusConflict, refused: why, unreachable: true})
		return
	}
	line := h.ask(x, x.form.action, store.AllLists)
	h.showState(x.w, x.r, x.visit, x.now, answer{lines: []string{line}})
}

// ask sends one mail, and returns what to tell the person.
func (h *handler) ask(x *submission, action, list string) string {
	q := confirmation.Question{Recipient: x.visit.subject.Recipient, Speaker: x.say}
	switch action {
	case actAllAgain:
		q.What = confirmation.AllAgain
	case actAllow:
		q.What = confirmation.SharingAgain
	case actAskErase:
		q.What = confirmation.EraseAll
	case actAskData:
		q.What = confirmation.ShowAll
	default:
		q.What, q.List, q.ListName, q.Sender = confirmation.ListAgain, list, x.now.name(list), x.now.sender(list)
	}
	coded := q.What == confirmation.EraseAll || q.What == confirmation.ShowAll
	address := isolate(x.say, q.Recipient.MaskedLocal())
	err := h.askedEnough(x, coded)
	if err == nil {
		err = h.site.Asker.Ask(x.r.Context(), q)
	}
	switch {
	case errors.Is(err, confirmation.ErrAsked):
		return x.say.Say("page.asked-already", "Address", address)
	case err != nil:
		h.stats.Unavailable.Add(1)
		attributes := []any{"error", err}
		if !coded {
			attributes = append(attributes, "list", list, "to", q.Recipient.Masked(), "ip", x.visit.peer.ip())
		}
		h.log.ErrorContext(x.r.Context(), "confirmation not asked for", attributes...)
		return x.say.Say("page.unavailable.what")
	}
	h.stats.Asked.Add(1)
	said := "page.asked"
	if coded {
		said = "page.code.asked"
		// Nothing of a person who may be erased next.
		h.log.InfoContext(x.r.Context(), "mail with a code asked for")
	} else {
		h.log.InfoContext(x.r.Context(), "confirmation asked for",
			"list", list, "to", q.Recipient.Masked(), "way", string(store.Page), "ip", x.visit.peer.ip())
	}
	subject := consent.Subject{Recipient: q.Recipient, List: list}
	if err := h.site.Consent.Asked(x.r.Context(), subject, action, evidence(x.r, x.visit)); err != nil {
		// The mail is on its way, and what it asks for is recorded when it is confirmed.
		h.log.ErrorContext(x.r.Context(), "sending of a confirmation not recorded", "list", list, "error", err)
	}
	return x.say.Say(said, "Address", address)
}

// askedEnough returns confirmation.ErrAsked when the events of the day have as many
// mails as may be sent: what Asker counts itself, also between two presses at the
// same time, it forgets with the process.
func (h *handler) askedEnough(x *submission, coded bool) error {
	events, err := h.site.Ledger.Events(x.r.Context(), store.EventFilter{
		Recipient: x.visit.subject.Recipient.Key(), Kinds: []store.EventKind{store.EventAsked}, Since: h.now().Add(-24 * time.Hour),
		Latest: true, Limit: 100})
	if err != nil {
		return err
	}
	sent := 0
	for _, e := range events {
		// Of an erased person it is not kept what was asked.
		if e.Detail == "" || (e.Detail == actAskErase || e.Detail == actAskData) == coded {
			sent++
		}
	}
	if sent >= confirmation.PerDay(coded) {
		return confirmation.ErrAsked
	}
	return nil
}

// sender is who sends a list, as people know them.
func (s state) sender(id string) string {
	for _, l := range s.lists {
		if l.ID == id {
			return l.Sender
		}
	}
	return s.list.Sender
}

// reasons are why people leave, in the order of the page.
var reasons = [...]string{"too-many", "not-relevant", "never-asked", "not-mine", "other"}

// reason records why the person left. Neither part is needed. A form that is
// sent again records nothing.
func (h *handler) reason(x *submission) {
	if x.now.Erased && !x.fresh() {
		// It may have been open since before the erasure, which it must not undo.
		h.stale(x)
		return
	}
	recipient := x.visit.subject.Recipient
	told, err := h.site.Ledger.Events(x.r.Context(), store.EventFilter{
		Recipient: recipient.Key(), Kinds: []store.EventKind{store.EventReason}, Since: x.seal.issued, Limit: 1})
	if err != nil {
		h.unavailable(x.w, x.r, x.visit, err)
		return
	}
	subject := consent.Subject{Recipient: recipient, List: store.AllLists}
	if x.now.off(x.visit.subject.List) {
		subject.List = x.visit.subject.List
	}
	if text := x.form.why(); text != "" && len(told) == 0 {
		if h.many(x) {
			h.refuseMany(x)
			return
		}
		if err := h.site.Consent.Explain(x.r.Context(), subject, text, store.Page, evidence(x.r, x.visit)); err != nil {
			h.unavailable(x.w, x.r, x.visit, err)
			return
		}
	}
	h.showState(x.w, x.r, x.visit, x.now, answer{lines: []string{x.say.Say("page.reason.thanks")}})
}

// why is what a form gives for a reason: a keyword, own words, or both.
func (f form) why() string {
	text := strings.TrimSpace(f.values.Get(fieldText))
	keyword := f.values.Get(fieldReason)
	if !slices.Contains(reasons[:], keyword) {
		return text
	}
	return strings.TrimSuffix(keyword+": "+text, ": ")
}
