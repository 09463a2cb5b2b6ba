package mime

import "strings"

// quotation is what an element has to do with what an answer quotes.
type quotation int

const (
	quotesInside  quotation = iota + 1 // its content is quoted
	quotesOnwards                      // it and all that follows is: some put their answer on top, and the rest beside it
)

// quotationOf returns what an attribute says about quoting. The names are those
// that mail programs give: a class or id may have something in front ("x_", of a
// program that quotes a quotation) or behind it (a number).
func quotationOf(key string, value []byte) quotation {
	if len(value) > maxAttribute {
		return 0
	}
	switch key {
	case "class", "id", "name", "data-marker":
		for _, token := range strings.Fields(strings.ToLower(string(value))) {
			for _, m := range quoteMarks {
				if strings.Contains(token, m.name) {
					return m.quotes
				}
			}
			if key == "name" && token == "quote" { // GMX, web.de
				return quotesInside
			}
		}
	case "style":
		// Outlook puts the header of what it quotes under a line.
		if strings.Contains(strings.Join(strings.Fields(strings.ToLower(string(value))), ""), "border:none;border-top:solid") {
			return quotesOnwards
		}
	}
	return 0
}

// maxAttribute is how many bytes of an attribute are looked at, or none of it.
const maxAttribute = 1 << 10

var quoteMarks = []struct {
	name   string
	quotes quotation
}{
	{"gmail_quote", quotesInside}, {"gmail_attr", quotesInside}, {"yahoo_quoted", quotesInside}, {"moz-cite-prefix", quotesInside}, {"moz-forward-container", quotesInside},
	{"protonmail_quote", quotesInside}, {"tutanota_quote", quotesInside}, {"zmail_extra", quotesInside}, {"airmail_quote", quotesInside}, {"ntes-mailmaster-quote", quotesInside},
	{"isreplycontent", quotesInside}, {"messagereplysection", quotesInside}, {"mail-quote-collapse", quotesInside}, {"reply-intro", quotesInside}, {"__quoted_text__", quotesInside},
	{"olk_src_body_section", quotesInside}, {"mail-editor-reference-message-container", quotesInside}, {"ms-outlook-mobile-reference-message", quotesInside},
	{"divrplyfwdmsg", quotesOnwards}, {"appendonsend", quotesOnwards}, {"stopspelling", quotesOnwards}, {"zwchr", quotesOnwards}, {"__divider__", quotesOnwards},
}
