package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/language"
	"offramp/store"
)

// answer is what a page says first, before what stands.
type answer struct {
	status  int      // 0: 200
	refused string   // key of why nothing was changed; empty: nothing was refused
	lines   []string // what was done
	unasked bool     // it was the browser that asked, by opening the page
	atOnce  bool     // what was done stopped or slowed mail
	undo    *sealed  // what stood before; nil: there is nothing to undo
	left    bool     // the person left something, and may say why
	receipt bool     // of an opt-out a receipt is offered
	erase   bool     // the button that erases is to be pressed again
	// unreachable: no mail can ask the person, so the operator is to be asked
	unreachable bool
	kept        url.Values // of a form with a date that cannot be; nil: nothing is kept
}

func (a answer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// decided answers a form whose decision is recorded.
func (h *handler) decided(x *submission, c chosen, events []int64) {
	a := answer{}
	for _, w := range c.decision.Wishes {
		a.lines = append(a.lines, x.builder(h).done(w))
		a.left = a.left || w.State == store.Unsubscribed
		a.atOnce = a.atOnce || w.State != store.Subscribed
	}
	if c.decision.RefuseSharing != nil {
		key := "page.done.sharing"
		if x.signal {
			key = "page.signal.honoured"
		}
		a.lines = append(a.lines, x.say.Say(key))
		a.atOnce = true
	}
	for _, list := range c.again {
		a.lines = append(a.lines, h.ask(x, actAgain, list))
	}
	if len(a.lines) == 0 {
		a.lines = []string{x.say.Say("page.done.nothing")}
	}
	h.answerWithUndo(x, c.decision, events, a)
}

// answerWithUndo shows what stands by now, with the way back from a decision.
func (h *handler) answerWithUndo(x *submission, d consent.Decision, events []int64, a answer) {
	after, err := h.state(x.r.Context(), x.visit)
	if err != nil {
		// The decision is durable, so the answer must not say otherwise. Only
		// the undo is missing.
		h.log.ErrorContext(x.r.Context(), "state not read after a decision", "list", x.visit.claims.List, "error", err)
		h.show200(x, a)
		return
	}
	undo := sealed{seen: after.seen()}
	for _, w := range d.Wishes {
		was, ok := x.seal.before(w.List)
		if !ok {
			continue
		}
		undo.was = append(undo.was, was)
		if c, ok := after.choice(w.List); ok && c.Since.After(undo.issued) {
			// The undo lives from the decision on, so that sending the form again
			// does not prolong it.
			undo.issued = c.Since
		}
	}
	if d.RefuseSharing != nil {
		before := !*d.RefuseSharing
		undo.refused = &before
		if undo.issued.IsZero() {
			undo.issued = after.Sharing.Since
		}
	}
	if (len(undo.was) > 0 || undo.refused != nil) && (!x.repeated || h.sameVisitor(x)) {
		a.undo = &undo
	}
	a.receipt = a.left && len(events) > 0
	h.showState(x.w, x.r, x.visit, after, a)
}

// sameVisitor says whether whoever sends a form again is who decided since it
// was made. Somebody else who had the page open at that time, with a forwarded
// link, must not be given the undo: it needs no confirmation.
func (h *handler) sameVisitor(x *submission) bool {
	events, err := h.site.Ledger.Events(x.r.Context(), store.EventFilter{
		Recipient: x.visit.subject.Recipient.Key(), Since: x.seal.issued, Latest: true, Limit: perHistory,
		Kinds: []store.EventKind{store.EventUnsubscribed, store.EventResubscribed, store.EventPaused, store.EventLimited,
			store.EventSharingRefused, store.EventSharingAllowed}})
	if err != nil {
		h.log.ErrorContext(x.r.Context(), "undo left out: events not read", "list", x.visit.claims.List, "error", err)
		return false
	}
	now := evidence(x.r, x.visit)
	for _, e := range events {
		if e.Way != store.Page || e.IP != now.IP || !strings.HasPrefix(now.UserAgent, e.UserAgent) {
			return false
		}
	}
	return len(events) > 0
}

// answerWith shows what stands by now.
func (h *handler) answerWith(x *submission, a answer) {
	after, err := h.state(x.r.Context(), x.visit)
	if err != nil {
		h.log.ErrorContext(x.r.Context(), "state not read after a change", "list", x.visit.claims.List, "error", err)
		h.show200(x, a)
		return
	}
	h.showState(x.w, x.r, x.visit, after, a)
}

// done says what a wish has come to, in a sentence.
func (b *builder) done(w consent.Wish) string {
	key := map[store.State]string{
		store.Subscribed: "on", store.Unsubscribed: "off", store.Paused: "paused", store.Limited: string(w.Every),
	}[w.State]
	if w.List == store.AllLists {
		key += "-all"
	}
	return b.say.Say("page.done."+key,
		"List", isolate(b.say, b.state.name(w.List)), "Operator", isolate(b.say, b.h.operator), "Date", b.say.Date(lastDay(w.Until)))
}

// name is what people know the list with an identifier by.
func (s state) name(id string) string {
	if id == s.list.ID {
		return name(s.list)
	}
	for _, l := range s.lists {
		if l.ID == id {
			return name(l)
		}
	}
	return id
}

// made says whether all that a form asks for was decided on the page since the
// form was made.
func (s state) made(c chosen, since time.Time) bool {
	if len(c.again) > 0 || len(c.decision.Wishes) == 0 && c.decision.RefuseSharing == nil {
		return false
	}
	for _, w := range c.decision.Wishes {
		choice, ok := s.choice(w.List)
		asked := store.Choice{Recipient: choice.Recipient, List: w.List, State: w.State, Until: w.Until, Every: w.Every}
		if !ok || !choice.Same(asked) || choice.Way != store.Page || choice.Since.Before(since) {
			return false
		}
	}
	refuse := c.decision.RefuseSharing
	return refuse == nil || s.Sharing.Refused == *refuse && !s.Sharing.Since.Before(since)
}

// isolate keeps a name from turning the words around it, where it is or may be
// written in the other direction (Unicode TR 9, section 2.4).
func isolate(say *language.Speaker, name string) string {
	if say.Dir() == "ltr" && !hasRightToLeft(name) {
		return name
	}
	return "\u2068" + name + "\u2069"
}
