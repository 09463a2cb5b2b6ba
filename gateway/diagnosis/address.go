package diagnosis

import "strings"

// cleanAddress takes what mail systems put around an address off.
func cleanAddress(s string) string {
	s = strings.TrimSpace(s)
	if open := strings.IndexByte(s, '<'); open >= 0 {
		if inner, _, found := strings.Cut(s[open+1:], ">"); found && strings.Contains(inner, "@") {
			s = inner
		}
	}
	if i := strings.IndexAny(s, " \t"); i > 0 && !strings.HasPrefix(s, `"`) {
		s = s[:i]
	}
	for _, prefix := range [...]string{"mailto:", "smtp:", "rfc822;", "utf-8;"} {
		if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
			s = strings.TrimSpace(s[len(prefix):])
		}
	}
	return strings.Trim(s, "<>'`,;:()[]. \t")
}

// addressesIn returns what looks like an address in a line, in its order.
func addressesIn(line string) (all []string) {
	for rest := line; ; {
		at := strings.IndexByte(rest, '@')
		if at < 0 || len(all) >= 10 {
			return all
		}
		start := at
		for start > 0 && isAtom(rest[start-1]) {
			start--
		}
		if start == at && at > 0 && rest[at-1] == '"' {
			if open := strings.LastIndexByte(rest[:at-1], '"'); open >= 0 {
				start = open
			}
		}
		end := at + 1
		for end < len(rest) && (isAtom(rest[end]) || rest[end] == ':' && rest[at+1] == '[') {
			end++
		}
		address := strings.Trim(rest[start:end], ".'`=")
		if local, domain, _ := strings.Cut(address, "@"); local != "" && len(domain) > 2 && len(address) <= 320 {
			all = append(all, address)
		}
		rest = rest[end:]
	}
}

func isAtom(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c) >= 0
}

// isSystem says whether an address is that of a mail system, which bounces
// mention and never are about.
func isSystem(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	switch local {
	case "mailer-daemon", "postmaster", "post_master", "mail-deamon", "mail-daemon", "maildaemon", "noreply", "no-reply", "abuse":
		return true
	}
	return false
}
