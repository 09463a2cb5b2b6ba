package web

import (
	"context"
	"net/http"
)

// Views of a page beside the main one, by the name that the query has for them.
const (
	viewHistory = "history"
	viewErase   = "erase"
)

// viewOf is the view that r asks for; empty: the main one.
func viewOf(r *http.Request) string {
	if view := r.URL.Query().Get("view"); view == viewHistory || view == viewErase {
		return view
	}
	return ""
}

// show answers GET and HEAD. It changes nothing, whoever asks, but what a browser
// asks for by a signal.
func (h *handler) show(w http.ResponseWriter, r *http.Request, v visit) {
	ctx, cancel := context.WithTimeout(r.Context(), changeTimeout)
	defer cancel()
	now, err := h.state(ctx, v)
	if err != nil {
		h.unavailable(w, r, v, err)
		return
	}
	h.stats.Shown.Add(1)
	now, a := h.honour(r, v, now)
	switch viewOf(r) {
	case viewHistory:
		h.history(w, r.WithContext(ctx), v, now, a)
	case viewErase:
		h.showErase(w, r, v, now, a)
	default:
		h.showState(w, r, v, now, a)
	}
}

// explain shows what stands, after why nothing was changed.
func (h *handler) explain(w http.ResponseWriter, r *http.Request, v visit, status int, why string) {
	ctx, cancel := context.WithTimeout(r.Context(), changeTimeout)
	defer cancel()
	now, err := h.state(ctx, v)
	if err != nil {
		h.unavailable(w, r, v, err)
		return
	}
	h.showState(w, r, v, now, answer{status: status, refused: why})
}
