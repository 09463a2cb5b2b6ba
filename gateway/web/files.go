package web

import (
	"net/http"
	"strings"
	"time"
)

// securityLife is how far ahead security.txt expires. RFC 9116 section 2.5.5
// recommends less than a year; the value moves on as long as Offramp runs.
const securityLife = 180 * 24 * time.Hour

// file answers everything that is no link.
func (h *handler) file(w http.ResponseWriter, r *http.Request, path string) {
	var text string
	switch {
	case path == "/robots.txt":
		text = "User-agent: *\nDisallow: /\n"
	case path == "/.well-known/security.txt" && h.site.SecurityContact != "":
		text = h.securityText()
	}
	switch {
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		h.notice(w, r, noticeMethod)
	case text == "":
		h.notice(w, r, noticeNothing)
	default:
		reply(w, r, http.StatusOK, typeText, []byte(text))
	}
}

func (h *handler) securityText() string {
	var b strings.Builder
	b.WriteString("Contact: " + h.site.SecurityContact + "\n")
	expires := h.now().UTC().Truncate(24 * time.Hour).Add(securityLife)
	b.WriteString("Expires: " + expires.Format(time.RFC3339) + "\n")
	b.WriteString("Preferred-Languages: en\n")
	if h.site.PublicURL != "" {
		b.WriteString("Canonical: " + strings.TrimRight(h.site.PublicURL, "/") + "/.well-known/security.txt\n")
	}
	return b.String()
}
