package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// field is a header field with its name in canonical form. Its values are
// shared by all answers and never written to.
type field struct {
	name   string
	values []string
}

// fixedHeaders returns the header fields of every answer. A token in a URL is
// a key: nothing may keep it, index it or carry it elsewhere. The page needs
// its own style, the logo where there is one, and its own forms.
func fixedHeaders(css string, logo bool) []field {
	sum := sha256.Sum256([]byte(css))
	csp := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	if logo {
		csp += "; img-src 'self'"
	}
	return []field{
		{"Cache-Control", []string{"no-store"}},
		{"Content-Security-Policy", []string{csp}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
		{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
		{"Permissions-Policy", []string{"browsing-topics=(), camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"}},
		{"Referrer-Policy", []string{"no-referrer"}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"X-Frame-Options", []string{"DENY"}}, // browsers that do not know frame-ancestors
		{"X-Robots-Tag", []string{"noindex, nofollow, noarchive"}},
	}
}

// hsts is one year and this host only: the operator's other names are not
// ours to decide about.
const hsts = "max-age=31536000"

// setHeaders puts the fixed fields on an answer. Strict-Transport-Security
// goes out only where the client came by TLS (RFC 6797 section 7.2).
func (h *handler) setHeaders(w http.ResponseWriter, r *http.Request, p peer) {
	header := w.Header()
	for _, f := range h.fixed {
		header[f.name] = f.values
	}
	if r.TLS != nil || p.proxied && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		header.Set("Strict-Transport-Security", hsts)
	}
}

// shareAnswer lets scripts of every origin see the answer to a one-click request
// (Fetch Standard, "CORS protocol"): web mail programs send them from the
// browser, some without asking to see the answer, which the resource policy
// would keep from them too. Nothing is sent along that the browser keeps of the
// person, and the answer says no more than whether it worked.
func shareAnswer(header http.Header) {
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Allow-Methods", http.MethodPost)
	header.Set("Access-Control-Allow-Headers", "Content-Type, *") // some browsers do not know the star
	header.Set("Access-Control-Max-Age", "86400")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// keepAnswer takes shareAnswer back, for the answer to the page's own form: it
// shows what the person chose.
func keepAnswer(header http.Header) {
	for _, name := range []string{"Origin", "Methods", "Headers"} {
		header.Del("Access-Control-Allow-" + name)
	}
	header.Del("Access-Control-Max-Age")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
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
