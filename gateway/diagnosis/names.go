package diagnosis

import (
	"strings"

	"golang.org/x/net/idna"
)

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

// hostsIn returns the names of hosts and domains in a text, in lower case: also
// those of addresses, and none of links.
func hostsIn(text string) []string {
	var found []string
	for start := 0; start < len(text) && len(found) < maxHosts; start++ {
		if !isNameOctet(text[start]) {
			continue
		}
		end := start
		for end < len(text) && isNameOctet(text[end]) {
			end++
		}
		word := text[start:end]
		start = end
		if strings.Contains(word, "://") {
			continue
		}
		for _, name := range strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune("@:=/&?~!#$*%+", r) }) {
			name = strings.ToLower(strings.Trim(name, ".-"))
			if dots := strings.Count(name, "."); dots > 0 && strings.Trim(name, "0123456789.") != "" && isHost(name, dots) {
				found = append(found, name)
			}
		}
	}
	return found
}

// maxHosts is how many names of a text are looked at.
const maxHosts = 20

// foreign returns the domain that a reply is about where that is not the
// recipient's, or "": "domain does not exist (sender.example)" says that the
// sender's is not there. A reply that names both is about the recipient's.
func foreign(reply, recipient string) string {
	_, domain, _ := strings.Cut(strings.ToLower(recipient), "@")
	if a, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = a
	}
	first := ""
	for _, name := range hostsIn(reply) {
		if domain == "" || name == domain || strings.HasSuffix(name, "."+domain) || strings.HasSuffix(domain, "."+name) {
			return ""
		}
		first = firstOf(first, name)
	}
	if first == "" {
		return ""
	}
	found := reasons().find(reply)
	if found[dead] != "" || found[moved] != "" || found[noHost] == "" && !containsAny(found[either], []string{"domain", "host"}) {
		return ""
	}
	return first
}

// ofRecipient takes back what a reply says of another domain than the
// recipient's: with a reply it is the sender's, and else a host on the way, such as
// a smarthost.
func ofRecipient(f Finding, reply string) Finding {
	if f.Kind != Bounce || f.Class == Undecided || f.Cause != CauseAddress && f.Cause != CauseMailbox {
		return f
	}
	name := foreign(reply, f.Recipient)
	switch {
	case name == "":
		return f
	case f.Reply != "":
		f.Class, f.Cause = Undecided, CauseSender
	default:
		f.Class, f.Cause = Soft, CauseNetwork
	}
	f.Why += ", but of another domain"
	return f
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
