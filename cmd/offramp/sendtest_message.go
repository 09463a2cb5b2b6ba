package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"offramp/gateway/dkim"
	"offramp/gateway/envelope"
	"offramp/gateway/mime"
	"offramp/listunsub"
)

// The fields that make the button (RFC 8058 section 3.1).
const (
	fieldUnsubscribe = "List-Unsubscribe"
	fieldPost        = "List-Unsubscribe-Post"
)

// message checks the headers and the signature of a message that reached a place.
func (t *tester) message(ctx context.Context, raw []byte, place string) {
	h, _ := mime.Split(raw)
	whole := true
	for _, name := range []string{fieldUnsubscribe, fieldPost} {
		switch n := h.Count(name); {
		case n == 0 && place == "the mailbox":
			t.add(findFail, "headers", fmt.Sprintf("%s is missing in the message that arrived: the next hop or a server behind it removes it", name), "")
			whole = false
		case n == 0:
			t.add(findFail, "headers", fmt.Sprintf("the message leaves without %s", name), "")
			whole = false
		case n > 1:
			t.add(findFail, "headers", fmt.Sprintf("%s is there %d times, and mail programs show no button then", name, n), "")
			whole = false
		}
	}
	if whole {
		t.values(h, place)
	}
	t.signatures(ctx, h, raw, place)
}

// values checks what the fields say.
func (t *tester) values(h mime.Header, place string) {
	uris, err := listunsub.Parse(h.Get(fieldUnsubscribe))
	switch {
	case err != nil || len(uris) == 0:
		t.add(findFail, "headers", fmt.Sprintf("%s cannot be read: %q", fieldUnsubscribe, h.Get(fieldUnsubscribe)), "")
	case strings.HasPrefix(strings.ToLower(uris[0]), "http:"):
		t.add(findFail, "headers", fmt.Sprintf("the link begins with http:, and mail programs use one-click over https only (RFC 8058 section 3.1): %s", uris[0]), "")
	case !strings.HasPrefix(strings.ToLower(uris[0]), "https:"):
		t.add(findFail, "headers", fmt.Sprintf("the first address of %s is not an https link: %s", fieldUnsubscribe, uris[0]), "")
	case !listunsub.ParsePost(h.Get(fieldPost)):
		t.add(findFail, "headers", fmt.Sprintf("%s must be %s, and is %q", fieldPost, listunsub.PostValue, h.Get(fieldPost)), "")
	default:
		t.add(findOK, "headers", "both unsubscribe headers are in the message at "+place+", each once", "")
	}
}

// signed is what is known of one signature.
type signed struct {
	domain, selector string
	at               time.Time
	covers           bool
	err              error
}

// signatures checks that one signature of the From domain covers both fields and
// is right.
func (t *tester) signatures(ctx context.Context, h mime.Header, raw []byte, place string) {
	from := fromDomain(h)
	all := t.verified(ctx, h, raw)
	var faults []string
	for _, s := range all {
		switch {
		case !dkim.Aligned(s.domain, from):
			continue
		case !s.covers:
			faults = append(faults, fmt.Sprintf("the signature of %s does not cover %s and %s, so mailbox providers ignore them (RFC 8058 section 4)", s.domain, fieldUnsubscribe, fieldPost))
		case s.err != nil:
			faults = append(faults, t.whyWrong(ctx, s, place))
		default:
			t.add(findOK, "DKIM", fmt.Sprintf("the signature of %s (selector %s) covers both and verifies against the key in the DNS", s.domain, s.selector), "")
			faults = append(faults, "") // one is enough
		}
	}
	if slices.Contains(faults, "") {
		for _, text := range faults {
			if text != "" {
				t.add(findWarn, "DKIM", text, "")
			}
		}
		return
	}
	if len(faults) == 0 {
		faults = []string{fmt.Sprintf("no signature of %s is in the message: OFFRAMP_DKIM_KEYS has no key for it, and mailbox providers ignore the headers without one", from)}
	}
	for _, text := range faults {
		t.add(findFail, "DKIM", text, "")
	}
}

// verified verifies every signature of a message.
func (t *tester) verified(ctx context.Context, h mime.Header, raw []byte) (all []signed) {
	found, err := msgauth.VerifyWithOptions(bytes.NewReader(raw), &msgauth.VerifyOptions{
		MaxVerifications: 10, LookupTXT: func(name string) ([]string, error) {
			return t.app.resolver.LookupTXT(ctx, strings.TrimSuffix(name, ".")+".")
		},
	})
	if err != nil {
		return nil
	}
	var values []string
	for _, f := range h.Fields() {
		if strings.EqualFold(f.Name, "DKIM-Signature") {
			values = append(values, f.Value())
		}
	}
	for i, v := range found {
		s := signed{domain: strings.ToLower(v.Domain), at: v.Time, err: v.Err}
		if i < len(values) {
			s.selector = strings.ToLower(tag(values[i], "s"))
			said := dkim.ParseSignature(values[i])
			s.domain = said.Domain
			s.covers = said.Covers(strings.ToLower(fieldUnsubscribe)) && said.Covers(strings.ToLower(fieldPost))
		}
		all = append(all, s)
	}
	return all
}

func fromDomain(h mime.Header) string {
	value := h.Get("From")
	if _, inner, ok := strings.Cut(value, "<"); ok {
		value, _, _ = strings.Cut(inner, ">")
	}
	a, err := envelope.Parse(strings.TrimSpace(value))
	if err != nil {
		return ""
	}
	return a.Domain()
}

// whyWrong says why a signature does not verify.
func (t *tester) whyWrong(ctx context.Context, s signed, place string) string {
	name := s.selector + "._domainkey." + s.domain
	texts, err := t.app.resolver.LookupTXT(ctx, name+".")
	switch {
	case err != nil && !isNotFound(err):
		return fmt.Sprintf("the DNS did not answer for the key %s: %v", name, err)
	case len(relevantKeys(texts)) == 0:
		if other := t.elsewhere(ctx, s); other != "" {
			return fmt.Sprintf("there is no key in the DNS at %s, but one at the selector %s: OFFRAMP_DKIM_KEYS names the wrong selector", name, other)
		}
		return fmt.Sprintf("there is no key in the DNS at %s: publish the record that `%s` prints", name, t.app.command("dns "+s.domain))
	case len(relevantKeys(texts)) > 1:
		return fmt.Sprintf("there are %s in the DNS at %s: keep one", plural(len(relevantKeys(texts)), "key"), name)
	case tag(relevantKeys(texts)[0], "p") == "":
		return fmt.Sprintf("the key in the DNS at %s is revoked (p= is empty)", name)
	case strings.Contains(s.err.Error(), "body hash") || t.published(s, relevantKeys(texts)[0]):
		return fmt.Sprintf("the signature of %s does not verify in the message that reached %s: it was changed after it was signed", s.domain, place)
	}
	return fmt.Sprintf("the key in the DNS at %s is another than the one that signed: publish the record that `%s` prints", name, t.app.command("dns "+s.domain))
}

func relevantKeys(texts []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return !strings.Contains(text, "p=") })
}

// published says whether a record has the key of this server.
func (t *tester) published(s signed, record string) bool {
	keys, err := t.settings.dkimKeys()
	if err != nil {
		return false
	}
	for _, k := range keys.All() {
		if k.Domain == s.domain && k.Selector == s.selector {
			want, err := k.Record()
			return err == nil && tag(want, "p") == tag(record, "p")
		}
	}
	return false
}

// usualSelectors are looked at for a key that is not where it is said to be.
var usualSelectors = []string{"offramp", "offramp-rsa", "offramp-ed25519", "default", "dkim", "mail", "s1", "s2", "k1", "selector1", "selector2"}

// elsewhere finds the selector under which the domain has a key.
func (t *tester) elsewhere(ctx context.Context, s signed) string {
	names := slices.Clone(usualSelectors)
	entries, _ := t.settings.dkimEntries() // was read before
	for _, e := range entries {
		names = append([]string{strings.ToLower(e.selector)}, names...)
	}
	for _, name := range names {
		texts, err := t.app.resolver.LookupTXT(ctx, name+"._domainkey."+s.domain+".")
		if name != s.selector && err == nil && len(relevantKeys(texts)) > 0 {
			return name
		}
	}
	return ""
}

// mostOff is how far clocks may differ. Receivers refuse signatures of a time to
// come, and links and events bear the server's time.
const mostOff = 5 * time.Minute

// clockOf compares the server's clock, by which it signs, with that of here.
func (t *tester) clockOf(raw []byte) {
	h, _ := mime.Split(raw)
	value := h.Get("DKIM-Signature")
	seconds, err := strconv.ParseInt(tag(value, "t"), 10, 64)
	if err != nil {
		return
	}
	off := time.Unix(seconds, 0).Sub(t.app.now()).Round(time.Minute)
	switch {
	case off > mostOff:
		t.add(findFail, "clock", fmt.Sprintf("the server's clock is %s ahead of the one here: receivers refuse signatures of a time to come", shortDuration(off)), "")
	case off < -mostOff:
		t.add(findFail, "clock", fmt.Sprintf("the server's clock is %s behind the one here: set it, see `%s`", shortDuration(-off), t.app.command("clock")), "")
	default:
		t.add(findOK, "clock", "the server's clock agrees with the one here", "")
	}
}
