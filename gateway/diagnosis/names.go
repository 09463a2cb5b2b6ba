package diagnosis

import "strings"

// withoutNames takes addresses, host names and links out of a text: a host that
// is called nospam, or a local part such as mailbox.full@, is not a reason. Names of
// well-known block lists stay as a word of their own.
func withoutNames(text string) string {
	if !strings.ContainsAny(text, "@.") {
		return text
	}
	var out strings.Builder
	out.Grow(len(text))
	for i := 0; i < len(text); {
		start := i
		dots, at, link := 0, false, false
		for i < len(text) && isNameOctet(text[i]) {
			switch {
			case text[i] == '@':
				at = true
			case text[i] == '.' && i > start && isWordOctet(text[i-1]) && i+1 < len(text) && isWordOctet(text[i+1]):
				dots++
			case text[i] == ':' && strings.HasPrefix(text[i:], "://"):
				link = true
			}
			i++
		}
		word := text[start:i]
		switch {
		case at || link || dots > 0 && isHost(strings.Trim(word, ".:-=/"), dots):
			if blockList(word) {
				out.WriteString(" blocklist ")
			}
			out.WriteByte(' ')
		default:
			out.WriteString(word)
		}
		if i < len(text) && i == start {
			out.WriteByte(text[i])
			i++
		}
	}
	return out.String()
}

// isNameOctet: what may stand in an address, a host name or a link. Bytes over
// 127 do not, so that scripts without spaces are not taken for names.
func isNameOctet(c byte) bool {
	return isWordOctet(c) || strings.IndexByte("@.-+=/:%&?~!#$*", c) >= 0
}

// isHost distinguishes a host name from two sentences without a space between them.
func isHost(word string, dots int) bool {
	last := strings.ToLower(word[strings.LastIndexByte(word, '.')+1:])
	if len(last) > 2 && dots < 2 {
		switch last {
		case "com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "example", "test", "invalid", "local", "localdomain":
			return true
		}
		return false
	}
	if strings.HasPrefix(strings.ToLower(word), "resolver.") {
		return false // a reason of Exchange
	}
	return dots >= 2 || !strings.Contains(" is it to of in we at on no be as or by do go if my so up us me an am he ", " "+last+" ")
}

func blockList(word string) bool {
	word = strings.ToLower(word)
	for _, name := range []string{"spamhaus", "spamcop", "sorbs", "barracudacentral", "abuseat", "surbl", "uribl", "dnsbl", "rbl.", "uceprotect", "senderbase", "senderscore", "invaluement", "spamrats", "mailspike", "nixspam", "proofpoint.com/dnsbl", "mxrate", "blacklist", "blocklist", "spamblock"} {
		if strings.Contains(word, name) {
			return true
		}
	}
	return false
}
