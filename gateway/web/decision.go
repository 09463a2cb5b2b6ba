package web

import (
	"errors"
	"net/http"

	"offramp/gateway/consent"
	"offramp/gateway/language"
	"offramp/listunsub"
	"offramp/store"
)

// post answers a POST to a valid link.
func (h *handler) post(w http.ResponseWriter, r *http.Request, v visit) {
	f, own := readForm(r)
	switch {
	case own:
		keepAnswer(w.Header())
		h.submit(w, r, v, f)
	case v.purpose == listunsub.HeaderLink:
		h.oneClick(w, r, v)
	default:
		// A link in a body never acts alone: it may have been forwarded, and
		// some mail programs post to links.
		h.stats.Stale.Add(1)
		h.explain(w, r, v, http.StatusBadRequest, "page.stale.button")
	}
}

// submission is a form that was made here, with what stood when it came back.
type submission struct {
	w     http.ResponseWriter
	r     *http.Request // its context does not end with the connection
	visit visit
	form  form
	seal  sealed
	now   state
	say   *language.Speaker
	// repeated: what the form asks for had been decided when it came.
	repeated bool
	// signal: it was the browser, and no field, that asked to refuse sharing.
	signal bool
}

// fresh says whether what the person saw still stands.
func (x *submission) fresh() bool { return x.now.seen() == x.seal.seen }

// submit does what one of the page's own forms asks for. A form that is too
// old, was used before or is not ours changes nothing; the page then says what
// stands.
func (h *handler) submit(w http.ResponseWriter, r *http.Request, v visit, f form) {
	s, err := h.unseal(v, f)
	if errors.Is(err, errOldForm) && f.action == actCode {
		err = nil // the mail says how long there is time to type
	}
	if err != nil {
		h.stats.Stale.Add(1)
		if errors.Is(err, errOldForm) {
			h.explain(w, r, v, http.StatusConflict, "page.stale.what")
		} else {
			h.explain(w, r, v, http.StatusBadRequest, "page.stale.foreign")
		}
		return
	}
	ctx, cancel := bounded(r)
	defer cancel()
	now, err := h.state(ctx, v)
	if err != nil {
		h.unavailable(w, r, v, err)
		return
	}
	h.act(&submission{w: w, r: r.WithContext(ctx), visit: v, form: f, seal: s, now: now, say: h.speaker(r, now.list)})
}

func (h *handler) act(x *submission) {
	if x.visit.coded() {
		h.actCoded(x)
		return
	}
	switch x.form.action {
	case actUnsubscribe:
		h.decide(x, off(x.visit.subject.List))
	case actLeave:
		h.decide(x, off(store.AllLists))
	case actChoose:
		h.choose(x)
	case actUndo:
		h.undo(x)
	case actAgain, actAllAgain, actAllow:
		h.askAgain(x)
	case actReason:
		h.reason(x)
	case actAskErase, actAskData:
		h.askCode(x)
	case actConfirm:
		h.confirm(x)
	default:
		h.refuseForm(x, http.StatusBadRequest, "page.stale.foreign")
	}
}

// actCoded is act for a link with a code. Nothing else erases, or gives files
// away: the forms that do are made once the code was typed.
func (h *handler) actCoded(x *submission) {
	switch action, erases := x.form.action, x.visit.erases(); {
	case action == actCode:
		h.typed(x)
	case action == actErase && erases:
		h.erase(x)
	case action == actDownload && !erases:
		h.download(x)
	case action == actReceipt && !erases:
		h.receipt(x)
	case action == actAllAgain:
		h.askAgain(x)
	default:
		h.refuseForm(x, http.StatusBadRequest, "page.stale.foreign")
	}
}

func off(list string) chosen {
	return chosen{decision: consent.Decision{Wishes: []consent.Wish{{List: list, State: store.Unsubscribed}}}}
}

// refuseForm says why nothing was changed, and what stands.
func (h *handler) refuseForm(x *submission, status int, why string) {
	h.stats.Stale.Add(1)
	h.showState(x.w, x.r, x.visit, x.now, answer{status: status, refused: why})
}

// refuseDate says which field is wrong, with all that was chosen still chosen
// (WCAG 2.2, 3.3.1).
func (h *handler) refuseDate(x *submission) {
	h.stats.Stale.Add(1)
	h.showState(x.w, x.r, x.visit, x.now,
		answer{status: http.StatusUnprocessableEntity, refused: "page.bad.date", kept: x.form.values})
}

// builder makes parts of the answer.
func (x *submission) builder(h *handler) *builder {
	return &builder{h: h, r: x.r, visit: x.visit, state: x.now, say: x.say, at: h.now()}
}

// stale answers a form that what stands has left behind.
func (h *handler) stale(x *submission) {
	h.refuseForm(x, http.StatusConflict, "page.stale.what")
}

func (h *handler) choose(x *submission) {
	c, err := x.form.read(x.seal)
	switch {
	case errors.Is(err, errDate):
		h.refuseDate(x)
	case errors.Is(err, errList):
		h.refuseForm(x, http.StatusUnprocessableEntity, "page.bad.list")
	case err != nil:
		h.refuseForm(x, http.StatusUnprocessableEntity, "page.bad.choice")
	case h.many(x):
		if c, ok := c.stops(); ok {
			h.decide(x, c)
		} else {
			h.refuseMany(x)
		}
	default:
		h.decide(x, c)
	}
}

// decide records what a form asks for, and answers.
func (h *handler) decide(x *submission, c chosen) {
	signal := signalled(x.r)
	if signal && x.now.Sharing.Since.IsZero() && c.decision.RefuseSharing == nil && (x.form.action != actChoose || x.seal.refused == nil) {
		// The page says that acting on it records what the browser asks for; in
		// the form with the box, the box says it.
		refuse := true
		c.decision.RefuseSharing, x.signal = &refuse, true
	}
	x.repeated = !x.fresh() && x.now.made(c, x.seal.issued)
	switch {
	case !x.fresh() && !x.repeated, x.now.list.Transactional && x.form.action == actUnsubscribe:
		h.stale(x)
		return
	case x.repeated:
		// The same button pressed twice: the person sees the second answer. It
		// makes the same promise, so it waits for the same things.
	default:
		c.decision.If = &x.now.Person
	}
	c.decision.Recipient, c.decision.Signal = x.visit.subject.Recipient, signal
	events, err := h.site.Consent.Decide(x.r.Context(), c.decision, store.Page, evidence(x.r, x.visit))
	if len(events) > 0 {
		h.stats.Page.Add(1)
		h.recorded(x.r, x.visit, "choices recorded", store.Page)
	}
	switch {
	case errors.Is(err, consent.ErrDate):
		h.refuseDate(x)
	case errors.Is(err, store.ErrChanged):
		h.explain(x.w, x.r, x.visit, http.StatusConflict, "page.stale.what")
	case err != nil:
		h.unavailable(x.w, x.r, x.visit, err)
	default:
		h.decided(x, c, events)
	}
}

func (h *handler) undo(x *submission) {
	if !x.fresh() {
		h.stale(x)
		return
	}
	if h.many(x) {
		h.refuseMany(x)
		return
	}
	d := consent.Decision{
		Recipient: x.visit.subject.Recipient, RefuseSharing: x.seal.refused, If: &x.now.Person,
	}
	for _, w := range x.seal.was {
		d.Wishes = append(d.Wishes, effective(w, h.now()))
	}
	events, err := h.site.Consent.Decide(x.r.Context(), d, store.Page, evidence(x.r, x.visit))
	if len(events) > 0 {
		h.stats.Undone.Add(1)
		h.recorded(x.r, x.visit, "choices undone", store.Page)
	}
	switch {
	case errors.Is(err, store.ErrChanged):
		h.explain(x.w, x.r, x.visit, http.StatusConflict, "page.stale.what")
	case err != nil:
		h.unavailable(x.w, x.r, x.visit, err)
	default:
		h.answerWith(x, answer{lines: []string{x.say.Say("page.done.undone")}})
	}
}
