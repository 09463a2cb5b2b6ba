package diagnosis

import (
	"strings"
	"unicode/utf8"

	"offramp/gateway/mime"
)

// maxAddress is a path without its brackets (RFC 5321 section 4.5.3.1.3), with
// room for what is not ASCII.
const maxAddress = 320

// addressIn returns the first address in a text, or "". It takes what reports
// have, also local parts that RFC 5321 would refuse.
func addressIn(text string) string {
	address, _ := cutAddress(text)
	return address
}

// cutAddress also returns what follows the address.
func cutAddress(text string) (address, rest string) {
	if !mime.ASCII(text) {
		text = wideSigns.Replace(text)
	}
	for from := 0; from < len(text); {
		at := strings.IndexByte(text[from:], '@')
		if at < 0 {
			return "", ""
		}
		at += from
		start, end := at, at+1
		if at > 0 && text[at-1] == '"' { // quoted local part
			start = max(strings.LastIndexByte(text[:at-1], '"'), 0)
		} else {
			for start > 0 && at-start < maxAddress && isLocalOctet(text[start-1]) {
				start--
			}
		}
		for end < len(text) && end-at < maxAddress && isDomainOctet(text[end]) {
			end++
		}
		domain := strings.TrimRight(text[at+1:end], ".-")
		local := strings.TrimLeft(text[start:at], "'.*=/")
		if local != "" && domain != "" && len(local)+len(domain) < maxAddress && utf8.ValidString(local+domain) {
			return local + "@" + domain, text[at+1+len(domain):]
		}
		from = at + 1
	}
	return "", ""
}

// wideSigns are the signs that East Asian scripts put around and between words,
// which no address has. They are replaced by as many bytes.
var wideSigns = strings.NewReplacer("（", "  (", "）", ")  ", "：", ":  ", "，", ",  ", "。", "   ", "、", "   ", "；", ";  ", "「", "   ", "」", "   ", "《", "  <", "》", ">  ", "【", "  [", "】", "]  ", "＜", "  <", "＞", ">  ", "\u3000", "   ")

func isLocalOctet(c byte) bool {
	return isWordOctet(c) || c >= 0x80 || strings.IndexByte("!#$%&'*+-/=?^`{|}~.", c) >= 0
}

func isDomainOctet(c byte) bool { return isWordOctet(c) || c >= 0x80 || c == '.' || c == '-' }

// typedAddress reads the address of an RFC 3464 field: "rfc822; a@b", in xtext
// where a gateway left it so (RFC 3461 section 4), with or without type.
func typedAddress(value string) string {
	kind, rest, ok := strings.Cut(value, ";")
	if !ok {
		kind, rest = "", value
	}
	rest = strings.Trim(strings.TrimSpace(rest), "<>")
	if strings.Contains(rest, "+") && !strings.EqualFold(strings.TrimSpace(kind), "utf-8") {
		rest = fromXtext.Replace(rest)
	}
	if a := addressIn(rest); a != "" {
		return a
	}
	rest = strings.Trim(rest, " <>\"")
	if len(rest) > maxAddress || strings.ContainsAny(rest, " \t") {
		return ""
	}
	return strings.ToValidUTF8(rest, "�")
}

// fromXtext decodes only what cannot be a plus tag: upper-case hex of a character
// xtext has to encode.
var fromXtext = strings.NewReplacer("+2B", "+", "+3D", "=", "+40", "@", "+20", " ")

// addressesIn returns the addresses of a field, each once.
func addressesIn(value string) []string {
	var out []string
	for value != "" && len(out) < maxRecipients {
		a, rest := cutAddress(value)
		if a == "" {
			break
		}
		out = append(out, a)
		value = rest
	}
	return out
}

// derived says whether a reason names another address that mail was sent to: this
// one only stands behind it.
func derived(reason, address string) bool {
	for _, mark := range []string{"(generated from", "(expanded from", "(forwarded from"} {
		if _, after, ok := strings.Cut(reason, mark); ok {
			first := addressIn(clip(after, 2*maxAddress))
			return first != "" && !strings.EqualFold(first, address)
		}
	}
	return false
}

// own says whether an address is the reporter's or that of who gets the report,
// so none that failed.
func (l *letter) own(address string) bool {
	address = strings.ToLower(address)
	local, _, _ := strings.Cut(address, "@")
	switch local {
	case "postmaster", "mailer-daemon", "mailerdaemon", "mail-daemon":
		return true
	}
	return l.parties[address]
}

// helps says whether an address is one that reports name for questions. Where a
// section begins with it, it may have failed like any other.
func helps(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	switch local {
	case "abuse", "hostmaster", "helpdesk", "support", "noreply", "no-reply", "webmaster", "admin":
		return true
	}
	return false
}
