package web

import (
	"net/http"
	"slices"
	"time"

	"offramp/gateway/consent"
	"offramp/store"
)

// perDay is how many records of what one person chose there are in a day before
// the page takes only what stops mail: each is kept for years, and a program can
// press a button for ever.
const perDay = 100

// many says whether there are as many. When it cannot be read, there are not:
// nobody's wish waits for it.
func (h *handler) many(x *submission) bool {
	events, err := h.site.Ledger.Events(x.r.Context(), store.EventFilter{
		Recipient: x.visit.subject.Recipient.Key(), Since: h.now().Add(-24 * time.Hour), Limit: perDay,
		Kinds: []store.EventKind{
			store.EventUnsubscribed, store.EventResubscribed, store.EventPaused, store.EventLimited,
			store.EventSharingRefused, store.EventSharingAllowed, store.EventReason,
		}})
	if err != nil {
		h.log.WarnContext(x.r.Context(), "cannot read how much a person chose today", "list", x.visit.claims.List, "error", err)
	}
	return len(events) >= perDay
}

// refuseMany says that it was enough for a day.
func (h *handler) refuseMany(x *submission) {
	h.refuseForm(x, http.StatusTooManyRequests, "page.bad.many")
}

// stops is the part of c that stops mail or sharing for good. It can be taken back
// only by mail, so there is an end to it.
func (c chosen) stops() (chosen, bool) {
	c.decision.Wishes = slices.DeleteFunc(slices.Clone(c.decision.Wishes), func(w consent.Wish) bool { return w.State != store.Unsubscribed })
	c.again = nil
	return c, len(c.decision.Wishes) > 0 || c.decision.RefuseSharing != nil
}
