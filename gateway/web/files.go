package web

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// securityLife is how far ahead security.txt expires. RFC 9116 section 2.5.5
// recommends less than a year; the value moves on as long as Offramp runs.
const securityLife = 180 * 24 * time.Hour

// logoPath is where the operator's logo is, below the path of PublicURL.
const logoPath = "/logo"

// maxLogo is the most bytes of a logo.
const maxLogo = 256 << 10

// logo is a picture for the head of the page. The zero logo means no logo.
type logo struct {
	contentType string
	body        []byte
}

// readLogo reads the operator's logo; an empty name means no logo.
func readLogo(name string) (logo, error) {
	if name == "" {
		return logo{}, nil
	}
	body, err := os.ReadFile(name)
	if err != nil {
		return logo{}, fmt.Errorf("OFFRAMP_PAGE_LOGO: %w", err)
	}
	if len(body) > maxLogo {
		return logo{}, fmt.Errorf("OFFRAMP_PAGE_LOGO: %s has %d bytes: give a picture of at most %d", name, len(body), maxLogo)
	}
	switch kind := http.DetectContentType(body); {
	case kind == "image/png", kind == "image/jpeg", kind == "image/webp":
		return logo{kind, body}, nil
	case bytes.Contains(body[:min(len(body), 1024)], []byte("<svg")):
		return logo{"image/svg+xml", body}, nil
	}
	return logo{}, fmt.Errorf("OFFRAMP_PAGE_LOGO: %s is not an SVG, PNG, JPEG or WebP picture", name)
}

// file answers everything that is not a link.
func (h *handler) file(w http.ResponseWriter, r *http.Request, path string) {
	var body []byte
	contentType := typeText
	switch {
	case path == "/robots.txt":
		body = []byte("User-agent: *\nDisallow: /\n")
	case path == "/.well-known/security.txt" && h.site.SecurityContact != "":
		body = []byte(h.securityText())
	case path == logoPath:
		contentType, body = h.logo.contentType, h.logo.body
	}
	switch {
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		h.notice(w, r, noticeMethod)
	case body == nil:
		h.notice(w, r, noticeNothing)
	default:
		if path == logoPath {
			w.Header().Set("Cache-Control", "public, max-age=3600") // the same for everybody
		}
		reply(w, r, http.StatusOK, contentType, body)
	}
}

func (h *handler) securityText() string {
	var b strings.Builder
	b.WriteString("Contact: " + h.site.SecurityContact + "\n")
	expires := h.now().UTC().Truncate(24 * time.Hour).Add(securityLife)
	b.WriteString("Expires: " + expires.Format(time.RFC3339) + "\n")
	b.WriteString("Preferred-Languages: en\n") // in which the operator is written to about security
	if h.site.PublicURL != "" {
		b.WriteString("Canonical: " + strings.TrimRight(h.site.PublicURL, "/") + "/.well-known/security.txt\n")
	}
	return b.String()
}
