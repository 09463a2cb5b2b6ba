package gateway_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"offramp/gateway"
	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/gateway/sink"
	"offramp/listunsub"
)

// longest is the longest path without its angle brackets (RFC 5321 section
// 4.5.3.1.3).
const longest = 254

// words is text of n bytes that looks like the parts of a name.
func words(n int, separator string) string {
	text := ""
	for _, w := range strings.Fields("konstantinos maria-luise papadimitriou von der heide newsletter 2026 abonnement zweigstelle") {
		text += w + separator
	}
	return strings.Trim(strings.Repeat(text, n/len(text)+1)[:n], separator+"-")
}

// subdomains is a host name of n bytes, or one or two fewer.
func subdomains(n int) string {
	name := "university.example"
	for i := 0; len(name)+len("xn--bcher-kva.")+3 <= n; i++ {
		name = []string{"students.", "mail.", "xn--bcher-kva.", "dept" + fmt.Sprint(i%10) + "."}[i%4] + name
	}
	if left := n - len(name) - 1; left > 0 {
		name = strings.Repeat("d", left) + "." + name
	}
	return name
}

// addresses are plausible addresses of every length and shape. Local parts over
// 64 bytes are against RFC 5321 and exist.
func addresses(t *testing.T) []string {
	t.Helper()
	shapes := map[string]func(n int) string{
		"local of all lengths": func(n int) string { return words(n-len("@b.example"), ".") + "@b.example" },
		"local of 64 at most":  func(n int) string { return words(min(64, n/2), ".") + "@" + subdomains(n-min(64, n/2)-1) },
		"one letter":           func(n int) string { return "i@" + subdomains(n-2) },
		"tag":                  func(n int) string { return "ada+" + words(min(60, n/2), "-") + "@" + subdomains(n-min(60, n/2)-5) },
		"upper case": func(n int) string {
			return strings.ToUpper(words(min(64, n/2), "_")) + "@" + subdomains(n-min(64, n/2)-1)
		},
		"SMTPUTF8": func(n int) string {
			return strings.Repeat("ü", max(1, min(30, n/4))) + ".名@" + subdomains(n-2*min(30, n/4)-5)
		},
		"quoted":                 func(n int) string { return `"` + words(min(60, n/2), " ") + `\" @x"@` + subdomains(n-min(60, n/2)-5) },
		"at a well-known domain": func(n int) string { return words(n-len("@gmail.com"), ".") + "@gmail.com" },
	}
	seen := make(map[string]bool)
	lengths := make(map[int]bool)
	var all []string
	for name, shape := range shapes {
		long := 0
		for n := 12; n <= longest; n++ {
			a, err := envelope.Parse(shape(n))
			if err != nil || seen[a.String()] {
				continue // no such address of this length
			}
			seen[a.String()] = true
			lengths[len(a.String())] = true
			if all = append(all, a.String()); len(a.String()) > 40 {
				long++
			}
		}
		if long < 30 {
			t.Errorf("%s: %d addresses are long", name, long)
		}
	}
	if len(all) < 1172 || !lengths[longest] {
		t.Fatalf("%d addresses, some of %d bytes: %v", len(all), longest, lengths[longest])
	}
	return all
}

// srs is the Sender Rewriting Scheme as forwarders do it (Shevek 2004): the
// hash and the local part are kept, case is not trusted.
type srs struct{ domain string }

func (s srs) hash(text string) string {
	m := hmac.New(sha1.New, []byte("secret"))
	m.Write([]byte(strings.ToLower(text)))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))[:4]
}

func (s srs) forward(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	if rest, ok := strings.CutPrefix(local, "SRS0="); ok {
		return "SRS1=" + s.hash(domain+rest) + "=" + domain + "==" + rest + "@" + s.domain
	}
	return "SRS0=" + s.hash("Q3"+domain+local) + "=Q3=" + domain + "=" + local + "@" + s.domain
}

func (s srs) reverse(t *testing.T, address string) string {
	t.Helper()
	local, _, _ := strings.Cut(address, "@")
	p := strings.SplitN(local, "=", 5)
	hashed := ""
	switch {
	case len(p) == 5 && strings.EqualFold(p[0], "SRS1"):
		rest := strings.TrimPrefix(p[3]+"="+p[4], "=")
		hashed, local = p[2]+rest, "SRS0="+rest+"@"+p[2]
	case len(p) == 5 && strings.EqualFold(p[0], "SRS0"):
		hashed, local = p[2]+p[3]+p[4], p[4]+"@"+p[3]
	default:
		t.Fatalf("%s does not come back", address)
	}
	if !strings.EqualFold(s.hash(hashed), p[1]) {
		t.Fatalf("%s has a wrong hash", address)
	}
	return local
}

// spellings are what other systems make of an address of ours.
func spellings(t *testing.T, address string) []string {
	t.Helper()
	local, domain, _ := strings.Cut(address, "@")
	all := []string{address, strings.ToLower(address), strings.ToUpper(address)}
	for _, separator := range []string{"-", ".", "%2B", "%2b", "=2B"} {
		other := local[:1] + separator + local[2:] + "@" + domain
		all = append(all, other, strings.ToLower(other))
	}
	one, two := srs{"forwarder.example"}, srs{"second.example"}
	for _, a := range all {
		all = append(all, one.reverse(t, one.forward(a)))
	}
	all = append(all, one.reverse(t, strings.ToLower(one.forward(address))), one.reverse(t, two.reverse(t, two.forward(one.forward(address)))))
	return all
}

// mailto is the address in the mailto URI of a header field, also when the field
// was quoted-printable on its way.
func mailto(t *testing.T, value string) string {
	t.Helper()
	var encoded strings.Builder
	w := quotedprintable.NewWriter(&encoded)
	_, err := io.WriteString(w, value)
	must(t, errors.Join(err, w.Close()))
	for _, text := range []string{encoded.String(), strings.ReplaceAll(encoded.String(), "+", "=2B")} {
		decoded, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(text)))
		if err != nil || string(decoded) != value {
			t.Fatalf("%s became %s, %v", value, decoded, err)
		}
	}
	uris, err := listunsub.Parse(value)
	if err != nil || len(uris) != 2 || !strings.HasPrefix(uris[0], "https://offramp.example.org/u/") {
		t.Fatalf("%q: %v", uris, err)
	}
	address, ok := strings.CutPrefix(uris[1], "mailto:")
	address, query, _ := strings.Cut(address, "?")
	if !ok || query != "subject=unsubscribe" {
		t.Fatalf("second URI %s", uris[1])
	}
	return address
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// named is whom an address of ours names, by the store where it has a code.
func (h *house) named(t *testing.T, address string, kind listunsub.AddressKind) string {
	t.Helper()
	local, domain, _ := strings.Cut(address, "@")
	c, err := h.parts.Tokens.OpenAddress(local)
	if err != nil || c.Kind != kind || c.ListKey != listunsub.ListKey("letter.example.org") || !strings.EqualFold(domain, "bounce.example.org") {
		t.Fatalf("%s: %+v, %v", address, c, err)
	}
	if c.Code == (listunsub.PersonCode{}) {
		return c.Recipient
	}
	recipient, err := h.db.Consent().AddressOfCode(t.Context(), c.Code)
	must(t, err)
	return recipient
}

// inBatches hands over a few at a time, as many as fit into one transaction.
func inBatches(t *testing.T, g *gateway.Gateway, from string, to []string, then func(c *smtp.Client)) {
	t.Helper()
	for batch := range slices.Chunk(to, 400) {
		c, err := smtp.Dial(g.Addrs().SMTP[0])
		must(t, err)
		must(t, c.Mail(from, &smtp.MailOptions{UTF8: true}))
		for _, a := range batch {
			if err := c.Rcpt(a, nil); err != nil {
				t.Errorf("RCPT of %s: %v", a, err)
			}
		}
		then(c)
		must(t, c.Close())
	}
}

// TestEveryAddressHasEveryWay mails people with addresses of all lengths. Each
// gets an https URI, a mailto URI and a reverse-path of their own, which lead back
// to them whatever other systems make of them on the way.
func TestEveryAddressHasEveryWay(t *testing.T) {
	h := newHouse(t, sink.Options{})
	h.config.FeedbackDomain = "bounce.example.org"
	g, _ := h.run()
	all := addresses(t)
	inBatches(t, g, "news@example.org", all, func(c *smtp.Client) {
		w, err := c.Data()
		must(t, err)
		_, err = io.WriteString(w, letter)
		must(t, errors.Join(err, w.Close()))
	})
	var back []string // one spelling of every address that mail comes back to
	codes, fitting := 0, 0
	for i, m := range h.arrived(len(all)) {
		header := mime.ParseHeader(m.Data)
		to := m.Recipients[0]
		leave := mailto(t, header.Get("List-Unsubscribe"))
		for _, f := range listunsub.Lint(m.Data) {
			if f.Rule != "dkim-missing" {
				t.Errorf("%s: %s", to, f)
			}
		}
		for address, kind := range map[string]listunsub.AddressKind{leave: listunsub.OptOutAddress, m.ReversePath: listunsub.BounceAddress} {
			if local, _, _ := strings.Cut(address, "@"); len(local) > 64 {
				t.Errorf("%s: local part of %d bytes", to, len(local))
			}
			spelled := spellings(t, address)
			for _, other := range spelled {
				if got := h.named(t, other, kind); got != to {
					t.Errorf("%s names %s, want %s", other, got, to)
				}
			}
			back = append(back, spelled[i%len(spelled)])
		}
		local, _, _ := strings.Cut(leave, "@")
		if claims, _ := h.parts.Tokens.OpenAddress(local); claims.Recipient == "" {
			codes++
		} else {
			fitting++
		}
	}
	inBatches(t, g, "someone@example.net", back, func(*smtp.Client) {})
	t.Logf("%d addresses: %d by a code, %d hold their recipient", len(all), codes, fitting)
	if codes < 1000 || fitting < 50 {
		t.Error("too few of one kind")
	}
}
