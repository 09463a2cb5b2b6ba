package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// fixedHeaders returns the header fields of every answer. A token in a URL is
// a key: nothing may keep it, index it or carry it elsewhere. The page needs
// its own style and its own form and nothing else.
func fixedHeaders(css string) map[string][]string {
	sum := sha256.Sum256([]byte(css))
	csp := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	return map[string][]string{
		"Cache-Control":                {"no-store"},
		"Content-Security-Policy":      {csp},
		"Cross-Origin-Opener-Policy":   {"same-origin"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Permissions-Policy":           {"browsing-topics=(), camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"},
		"Referrer-Policy":              {"no-referrer"},
		"X-Content-Type-Options":       {"nosniff"},
		"X-Frame-Options":              {"DENY"}, // browsers that do not know frame-ancestors
		"X-Robots-Tag":                 {"noindex, nofollow, noarchive"},
	}
}

// hsts is one year and this host only: the operator's other names are not
// ours to decide about.
const hsts = "max-age=31536000"

// setHeaders puts the fixed fields on an answer. Strict-Transport-Security
// goes out only where the client came by TLS (RFC 6797 section 7.2).
func (h *handler) setHeaders(w http.ResponseWriter, r *http.Request, p peer) {
	header := w.Header()
	for name, values := range h.fixed {
		header[name] = values
	}
	if r.TLS != nil || p.proxied && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		header.Set("Strict-Transport-Security", hsts)
	}
}

const (
	typeHTML = "text/html; charset=utf-8"
	typeText = "text/plain; charset=utf-8"
)

// reply writes a whole answer. HEAD gets the header of the GET and no body.
func reply(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	// An error here means that the client is gone; what was asked for is done.
	_, _ = w.Write(body)
}
