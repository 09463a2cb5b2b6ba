package web

import (
	"errors"
	"net/http"
	"strconv"

	"offramp/store"
)

// receipt sends the signed receipt of one of the person's opt-outs.
func (h *handler) receipt(x *submission) {
	id, err := strconv.ParseInt(x.form.values.Get(fieldEvent), 10, 64)
	if err != nil || id < 1 || h.site.Receipts == nil {
		h.refuseForm(x, http.StatusUnprocessableEntity, "page.bad.choice")
		return
	}
	events, err := h.site.Ledger.Events(x.r.Context(), store.EventFilter{
		Recipient: x.visit.subject.Recipient.Key(), Kinds: []store.EventKind{store.EventUnsubscribed}, After: id - 1, Before: id + 1})
	if err != nil {
		h.unavailable(x.w, x.r, x.visit, err)
		return
	}
	if len(events) != 1 {
		// Of somebody else, of another kind, or older than what is kept.
		h.refuseForm(x, http.StatusUnprocessableEntity, "page.bad.choice")
		return
	}
	text, err := h.site.Receipts.Issue(x.r.Context(), h.site.Ledger, events[0])
	switch {
	case errors.Is(err, store.ErrChanged):
		h.stale(x)
	case err != nil:
		h.unavailable(x.w, x.r, x.visit, err)
	default:
		h.stats.Taken.Add(1)
		attach(x, typeText, "offramp-receipt-"+strconv.FormatInt(id, 10)+".txt", text)
	}
}

// attach sends a file that the browser keeps.
func attach(x *submission, contentType, name string, body []byte) {
	attachment(x.w.Header(), contentType, name)
	reply(x.w, x.r, http.StatusOK, contentType, body)
}

// attachment has the browser keep the answer as a file.
func attachment(header http.Header, contentType, name string) {
	header.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	header.Set("Content-Type", contentType)
}
