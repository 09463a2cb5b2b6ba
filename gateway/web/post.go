package web

import (
	"errors"
	"net/http"

	"offramp/gateway/consent"
	"offramp/listunsub"
	"offramp/store"
)

// post answers a POST to a valid link.
func (h *handler) post(w http.ResponseWriter, r *http.Request, v visit) {
	f, own := readForm(r)
	switch {
	case own:
		h.submit(w, r, v, f)
	case v.purpose == listunsub.HeaderLink:
		h.oneClick(w, r, v)
	default:
		// A link in a body never acts alone: it may have been forwarded, and
		// some mail programs post to links.
		h.stats.Stale.Add(1)
		h.explain(w, r, v, http.StatusBadRequest, "Nothing was changed. To leave the list, use the button on this page.")
	}
}

// oneClickDone is the whole answer to a one-click request; some mail programs
// show it to the person.
var oneClickDone = []byte("You are off the list. No more mail from it will be sent to you.\n")

// oneClick is the opt-out of RFC 8058 section 3.2. A repeated request gets
// the same answer: clients send again when they missed the first.
func (h *handler) oneClick(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, cancel := bounded(r)
	defer cancel()
	changed, err := h.site.Consent.OptOut(ctx, v.subject, store.OneClick, evidence(r, v))
	if changed {
		h.stats.OneClick.Add(1)
		h.recorded(r, v, "opt-out", store.OneClick)
	}
	if err != nil {
		// It may be recorded already, and still 200 would promise too much: mail
		// that was being started has not ended. The client asks again.
		h.unavailable(w, r, v, err)
		return
	}
	if !changed {
		h.stats.OneClickRepeated.Add(1)
	}
	reply(w, r, http.StatusOK, typeText, oneClickDone)
}

// submit does what the page's own form asks for. A form that is too old, was
// used before or is not ours changes nothing; the page then says what stands.
func (h *handler) submit(w http.ResponseWriter, r *http.Request, v visit, f form) {
	s, err := h.unseal(v, f)
	if err != nil {
		h.stats.Stale.Add(1)
		status := http.StatusBadRequest
		if errors.Is(err, errOldForm) {
			status = http.StatusConflict
		}
		h.explain(w, r, v, status, outOfDate)
		return
	}
	ctx, cancel := bounded(r)
	defer cancel()
	now, err := h.standing(ctx, v)
	if err != nil {
		h.unavailable(w, r, v, err)
		return
	}
	switch {
	case now.seen() != s.seen && f.action == actUnsubscribe && now.leftHereSince(s.issued):
		// The same button pressed twice: the person sees the second answer. It
		// makes the same promise, so it waits for the same things.
		h.unsubscribe(w, r, v)
	case now.seen() != s.seen || now.list.Transactional:
		h.stats.Stale.Add(1)
		h.render(w, r, http.StatusConflict, h.view(v, now, outOfDate))
	case f.action == actUnsubscribe:
		h.unsubscribe(w, r, v)
	case f.action == actUndo:
		h.undo(w, r, v)
	default:
		h.render(w, r, http.StatusBadRequest, h.view(v, now, outOfDate))
	}
}

const outOfDate = "This page was out of date, so nothing was changed just now. Below is what stands."

func (h *handler) unsubscribe(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, cancel := bounded(r)
	defer cancel()
	changed, err := h.site.Consent.OptOut(ctx, v.subject, store.Page, evidence(r, v))
	if changed {
		h.stats.Page.Add(1)
		h.recorded(r, v, "opt-out", store.Page)
	}
	if err != nil {
		h.unavailable(w, r, v, err)
		return
	}
	now, err := h.standing(ctx, v)
	if err != nil {
		// The opt-out is durable, so the answer must not say otherwise. Only
		// the undo is missing.
		h.log.ErrorContext(ctx, "standing not read after an opt-out", "list", v.claims.List, "error", err)
		now = standing{list: store.List{ID: v.claims.List}}
	}
	h.left(w, r, v, now)
}

func (h *handler) undo(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, cancel := bounded(r)
	defer cancel()
	changed, err := h.site.Consent.Resubscribe(ctx, v.subject, store.Page, evidence(r, v))
	if err != nil {
		h.unavailable(w, r, v, err)
		return
	}
	if changed {
		h.stats.Undone.Add(1)
		h.recorded(r, v, "opt-out undone", store.Page)
	}
	now, err := h.standing(ctx, v)
	if err != nil {
		h.unavailable(w, r, v, err)
		return
	}
	p := h.view(v, now, "")
	if p.State == stateOn {
		p.Title, p.Heading = "Undone", "You are on the list again"
	}
	h.render(w, r, http.StatusOK, p)
}

// recorded writes the one line that a change gets.
func (h *handler) recorded(r *http.Request, v visit, what string, way store.Way) {
	h.log.InfoContext(r.Context(), what,
		"list", v.claims.List, "to", v.subject.Recipient.Masked(), "way", string(way), "ip", v.peer.ip())
}

// evidence is what a change is recorded with.
func evidence(r *http.Request, v visit) consent.Evidence {
	return consent.Evidence{IP: v.peer.ip(), UserAgent: r.UserAgent()}
}
