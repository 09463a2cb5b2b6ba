package diagnosis

import "strings"

// codesIn returns the first enhanced status code (RFC 3463 section 2) and the
// first reply code (RFC 5321 section 4.2) of a failure in a text, or "".
func codesIn(text string) (status, reply string) {
	for i := 0; i < len(text) && (status == "" || reply == ""); i++ {
		c := text[i]
		if c != '4' && c != '5' || i > 0 && !opensCode(text[i-1]) {
			continue
		}
		if n := statusLength(text[i:]); n > 0 {
			if status == "" && !isVersion(text[:i]) {
				status = text[i : i+n]
			}
			i += n - 1
			continue
		}
		if reply == "" && isReply(text[i:]) {
			reply = text[i : i+3]
			i += 2
		}
	}
	return status, reply
}

// opensCode says whether a code may follow: numbers that follow a digit, a dot or
// a letter are addresses, versions and queue ids.
func opensCode(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', '(', '[', '<', '#', ';', ':', '-', '"', '\'', '>', '=', ',', '|':
		return true
	}
	return false
}

func statusLength(s string) int {
	if len(s) < 5 || s[1] != '.' {
		return 0
	}
	i := 2
	for field := range 2 {
		digits := 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
			digits++
		}
		if digits == 0 || digits > 3 {
			return 0
		}
		if field == 0 {
			if i >= len(s) || s[i] != '.' {
				return 0
			}
			i++
		}
	}
	if i < len(s) && (isWordOctet(s[i]) || s[i] == '.' && i+1 < len(s) && isWordOctet(s[i+1])) {
		return 0 // an address of the net, a version
	}
	return i
}

func isWordOctet(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

// isVersion says whether what stands before a number names a program's version.
func isVersion(before string) bool {
	before = strings.ToLower(strings.TrimRight(before[max(0, len(before)-20):], " \t-/("))
	for _, name := range []string{"version", "exim", "postfix", "sendmail", "smtpd", "qmail", "server", " v"} {
		if strings.HasSuffix(before, name) {
			return true
		}
	}
	return false
}

// isReply says whether s begins with a reply code that something follows; units
// distinguish a size from a code.
func isReply(s string) bool {
	if len(s) < 3 || s[1] < '0' || s[1] > '5' || s[2] < '0' || s[2] > '9' {
		return false
	}
	rest := s[3:]
	if rest == "" {
		return true
	}
	switch rest[0] {
	case ' ', '-', '\t', '\n', '\r', ':', ',', ';', ')', ']', '"', '\'', '#', '>', '<':
	default:
		return false
	}
	rest = strings.ToLower(strings.TrimLeft(rest, " "))
	for _, unit := range []string{"bytes", "octets", "kb", "mb", "k ", "seconds", "messages", "hours", "recipients", "emails", "mails", "mo", "ko"} {
		if strings.HasPrefix(rest, unit) {
			return false
		}
	}
	return true
}

// isStatus says whether s is a whole status code.
func isStatus(s string) bool {
	return s != "" && (s[0] == '2' || s[0] == '4' || s[0] == '5') && statusLength(s) == len(s)
}

// firstStatus returns the status code a field's value begins with: comments
// follow it often (RFC 3464 section 2.3.4).
func firstStatus(value string) string {
	value = strings.TrimLeft(value, " \t")
	if end := strings.IndexAny(value, " \t(;,"); end >= 0 {
		value = value[:end]
	}
	if isStatus(value) {
		return value
	}
	return ""
}

// generic says whether a status says no more than its class.
func generic(status string) bool {
	return status == "" || strings.HasSuffix(status, ".0.0")
}
