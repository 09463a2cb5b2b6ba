package web

import (
	"net/http"

	"offramp/gateway/consent"
	"offramp/store"
)

// oneClick is the opt-out of RFC 8058 section 3.2. A repeated request gets
// the same answer: clients send again when they missed the first. Some mail
// programs show the answer to the person.
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
	reply(w, r, http.StatusOK, typeText, []byte(h.speaker(r, store.List{}).Say("page.one-click")+"\n"))
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
