package diagnosis

import "strings"

// codes are the codes of a failure.
type codes struct {
	status     string // the most telling enhanced code (RFC 3463)
	reply      string // the code of the reply (RFC 5321)
	contradict bool   // several enhanced codes that mean different things
}

// readCodes collects the codes of a report's Status field and of a text. What
// the last mail system said counts more than what the reporting one made of it.
func readCodes(status, text string) codes {
	var c codes
	given := firstStatus(status)
	said := statusesIn(text)
	c.status = given
	for _, s := range said {
		if telling(s) || c.status == "" {
			c.status = s
		}
	}
	for _, s := range append(said, given) {
		if telling(s) && telling(c.status) && s[2:4] != c.status[2:4] {
			c.contradict = true
		}
	}
	c.reply = replyIn(text)
	return c
}

// telling says whether a code names a reason: x.0.0 and x.5.0 do not.
func telling(s string) bool { return s != "" && s[2:] != "0.0" && s[2:] != "5.0" && s[2:] != "3.0" }

func (c codes) any() string {
	if c.status != "" && (c.status[0] == '4' || c.reply == "") {
		return c.status
	}
	return c.reply
}

// temporary: a 5 beside a 4 means that somebody gave up; the reason stays.
func (c codes) temporary() bool {
	return strings.HasPrefix(c.status, "4") || strings.HasPrefix(c.reply, "4") && !strings.HasPrefix(c.status, "5")
}

// namesAddress: 5.1.1 and its kin say that there is no such address (RFC 3463
// section 3.2; 5.1.10: RFC 7505 and Exchange).
func (c codes) namesAddress() bool {
	switch c.status {
	case "5.1.1", "5.1.2", "5.1.6", "5.1.10":
		return !c.contradict
	}
	return false
}

// specific says whether the status names a reason that is not the address.
func (c codes) specific() bool {
	return telling(c.status) && !strings.HasPrefix(c.status, "5.1.") && c.status != "5.4.4" && c.status != "5.5.4"
}

// cause is what the codes alone say.
func (c codes) cause() Cause {
	switch {
	case c.namesAddress():
		return CauseAddress
	case len(c.status) > 3:
		switch c.status[2:4] {
		case "2.":
			if c.status[2:] == "2.3" {
				return CauseMessage
			}
			return CauseMailbox
		case "3.":
			if c.status[2:] == "3.4" {
				return CauseMessage
			}
			return CauseNetwork
		case "4.":
			return CauseNetwork
		case "5.":
			return CauseNetwork
		case "6.":
			return CauseMessage
		case "7.":
			return CauseSender
		case "1.":
			if c.status[2:] == "1.7" || c.status[2:] == "1.8" {
				return CauseSender
			}
			return ""
		}
	}
	if c.reply == "552" {
		return CauseMailbox
	}
	return ""
}

// firstStatus returns the first enhanced code in s, or "".
func firstStatus(s string) string {
	if all := statusesIn(s); len(all) > 0 {
		return all[0]
	}
	return ""
}

// statusesIn finds enhanced codes, and leaves out what is part of a longer
// number such as an address of the network.
func statusesIn(s string) (all []string) {
	for i := 0; i+4 < len(s) && len(all) < 20; i++ {
		if strings.IndexByte("245", s[i]) < 0 || s[i+1] != '.' || i > 0 && (isDigit(s[i-1]) || s[i-1] == '.' || isLetter(s[i-1])) {
			continue
		}
		end, dots := i+1, 0
		for end < len(s) && (isDigit(s[end]) || s[end] == '.' && end+1 < len(s) && isDigit(s[end+1])) {
			if s[end] == '.' {
				dots++
			}
			end++
		}
		part := strings.Split(s[i:end], ".")
		if dots == 2 && len(part[1]) <= 1 && len(part[2]) <= 3 && (end == len(s) || !isLetter(s[end])) {
			all = append(all, s[i:end])
		}
		i = end
	}
	return all
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// saysCode are the ends of what mail systems write before a code.
var saysCode = []string{"said", "<<", "smtp", "was", ">", "reason", "error", "with", "returned", "...", "]", ":"}

// replyIn finds the code of a reply: three digits at the start of a line or
// behind what introduces them; beside an enhanced code also elsewhere.
func replyIn(text string) string {
	lower := strings.ToLower(text)
	other := ""
	for i := 0; i+2 < len(lower); i++ {
		if !codeAt(lower, i) {
			continue
		}
		before := strings.TrimRight(lower[:i], " \t<'\"(")
		if before == "" || before[len(before)-1] == '\n' {
			return lower[i : i+3]
		}
		for _, end := range saysCode {
			if strings.HasSuffix(before, end) {
				return lower[i : i+3]
			}
		}
		if other == "" {
			other = lower[i : i+3]
		}
	}
	if firstStatus(text) != "" {
		return other
	}
	return ""
}

// codeAt says whether a reply code of a refusal stands alone at i.
func codeAt(s string, i int) bool {
	if s[i] != '4' && s[i] != '5' || s[i+1] < '0' || s[i+1] > '5' || !isDigit(s[i+2]) {
		return false
	}
	if i > 0 && (isDigit(s[i-1]) || isLetter(s[i-1]) || strings.IndexByte("._-#/=[", s[i-1]) >= 0) {
		return false
	}
	return i+3 == len(s) || strings.IndexByte(" -\n:;<", s[i+3]) >= 0
}

// isCode says whether a word is nothing but codes: "550-5.1.1".
func isCode(word string) bool {
	word = strings.Trim(word, "#-:.,;")
	if len(word) >= 3 && (word[0] == '4' || word[0] == '5') && isDigit(word[1]) && isDigit(word[2]) {
		if word = strings.TrimLeft(word[3:], "- #"); word == "" {
			return true
		}
	}
	return firstStatus(word) != "" && len(firstStatus(word)) == len(word)
}
