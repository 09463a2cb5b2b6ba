package listunsub

import (
	"fmt"
	"strings"
)

// Severity says what a finding means for the recipient.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // a standard is broken: mail clients may show no way out, or a broken one
	Warning Severity = "warning" // allowed, but known to cause problems
)

// Finding is one thing that Lint found.
type Finding struct {
	Rule     string   `json:"rule"` // short name that never changes, e.g. "post-missing"
	Severity Severity `json:"severity"`
	Section  string   `json:"section"` // what asks for it, e.g. "RFC 8058 section 3.1"
	Line     int      `json:"line"`    // line of the message, from 1; 0: the message as a whole
	Text     string   `json:"text"`    // what is wrong and what to do, one line
}

// String returns the finding on one line.
func (f Finding) String() string {
	at := ""
	if f.Line > 0 {
		at = fmt.Sprintf("line %d: ", f.Line)
	}
	return fmt.Sprintf("%s%s: %s [%s, %s]", at, f.Severity, f.Text, f.Rule, f.Section)
}

// Lint checks the way out of a message as it would go to a recipient: the
// list fields, what their URIs show, and whether one DKIM signature covers
// them. It takes any bytes, CRLF or LF, and a leading mbox line. Signatures
// are not verified, nothing is looked up, and no URI is fetched.
// It returns nil when there is nothing to say.
func Lint(message []byte) []Finding {
	l := linter{fields: splitHeader(message)}
	l.unsubscribe()
	l.post()
	l.listID()
	l.dkim()
	l.lines(message)
	return l.findings
}

type linter struct {
	fields   []lintField
	findings []Finding

	https  int  // https URIs in List-Unsubscribe
	posted bool // there is a List-Unsubscribe-Post
}

func (l *linter) add(s Severity, rule, section string, line int, format string, args ...any) {
	l.findings = append(l.findings, Finding{Rule: rule, Severity: s, Section: section, Line: line, Text: fmt.Sprintf(format, args...)})
}

// named returns the fields with a name in lower case.
func (l *linter) named(name string) []lintField {
	var found []lintField
	for _, f := range l.fields {
		if f.name == name {
			found = append(found, f)
		}
	}
	return found
}

func (l *linter) unsubscribe() {
	all := l.named("list-unsubscribe")
	if len(all) == 0 {
		l.add(Error, "unsubscribe-missing", "RFC 8058 section 3.1", 0,
			"There is no List-Unsubscribe field. Add one with an https URI; only mail that answers a person's own action, such as a receipt, needs none.")
		return
	}
	if len(all) > 1 {
		l.add(Error, "unsubscribe-duplicate", "RFC 2369 section 2", all[1].line,
			"There are %d List-Unsubscribe fields. Put all URIs into one, separated by commas; clients use the first field or none.", len(all))
	}
	f := all[0]
	l.fieldText(f)
	uris := scanURIs(f.raw)
	if len(uris) == 0 {
		l.add(Error, "uri-missing", "RFC 2369 section 2", f.line,
			"List-Unsubscribe contains no URI. Write <https://...> in angle brackets.")
	}
	for _, u := range uris {
		l.uri(f, u)
	}
	if l.https > 0 && !strings.EqualFold(uris[0].text[:min(6, len(uris[0].text))], "https:") {
		l.add(Warning, "https-order", "RFC 2369 section 2", f.line,
			"The first URI is not https, and several clients act on the first only. Put the https URI in front.")
	}
	switch {
	case l.https == 0:
		l.add(Error, "https-missing", "RFC 8058 section 3.1", f.line,
			"List-Unsubscribe has no https URI, so no client can offer one-click. Add one, in front.")
	case l.https > 1:
		l.add(Warning, "https-several", "RFC 8058 section 3.1", f.line,
			"List-Unsubscribe has %d https URIs, and one-click uses one. Keep the one that takes the POST.", l.https)
	}
}

// fieldText checks what holds for the bytes of every list field.
func (l *linter) fieldText(f lintField) {
	if strings.Contains(f.raw, "=?") && strings.Contains(f.raw, "?=") && f.name != "list-id" {
		l.add(Error, "encoded-word", "RFC 2047 section 5", f.line,
			"%s contains an encoded-word, which clients do not decode there. Write the value in plain US-ASCII.", f.shown)
	}
	if strings.IndexFunc(f.raw, func(r rune) bool { return r >= 0x7f }) >= 0 {
		l.add(Error, "non-ascii", "RFC 5322 section 2.2", f.line,
			"%s contains bytes outside US-ASCII. Percent-encode them in URIs, use encoded-words in names.", f.shown)
	}
	if strings.HasPrefix(f.raw, "\n") || strings.HasPrefix(strings.TrimLeft(f.raw, " \t"), "\n") {
		l.add(Warning, "fold-after-colon", "RFC 5322 section 2.2.3", f.line,
			"%s is folded right after the colon, which breaks the DKIM signature of at least one signer. Begin the value on the line of the name.", f.shown)
	}
}

func (l *linter) post() {
	all := l.named("list-unsubscribe-post")
	l.posted = len(all) > 0
	if !l.posted {
		if l.https > 0 {
			l.add(Error, "post-missing", "RFC 8058 section 3.1", 0,
				"There is no List-Unsubscribe-Post field, so the https URI is a web page only. Add \"List-Unsubscribe-Post: %s\" when the URI takes the POST.", PostValue)
		}
		return
	}
	if len(all) > 1 {
		l.add(Error, "post-duplicate", "RFC 8058 section 3.1", all[1].line,
			"There are %d List-Unsubscribe-Post fields. Keep one.", len(all))
	}
	f := all[0]
	l.fieldText(f)
	if !ParsePost(unfold(f.raw)) {
		l.add(Error, "post-value", "RFC 8058 section 3.1", f.line,
			"The value of List-Unsubscribe-Post is not %q, the only one there is.", PostValue)
	}
	if l.https == 0 {
		l.add(Error, "post-without-https", "RFC 8058 section 3.1", f.line,
			"List-Unsubscribe-Post promises one-click and List-Unsubscribe has no https URI to post to. Add the URI or remove the field.")
	}
}

func (l *linter) listID() {
	all := l.named("list-id")
	if len(all) == 0 {
		l.add(Warning, "list-id-missing", "RFC 2919 section 2", 0,
			"There is no List-Id field. Add \"List-Id: Name <label.example.com>\", the same in all mail of the list, so that people and filters can tell lists apart.")
		return
	}
	if len(all) > 1 {
		l.add(Error, "list-id-duplicate", "RFC 2919 section 2", all[1].line, "There are %d List-Id fields. Keep one.", len(all))
	}
	f := all[0]
	l.fieldText(f)
	id, err := ParseListID(f.raw)
	switch {
	case err != nil:
		l.add(Error, "list-id-syntax", "RFC 2919 section 3", f.line,
			"The identifier in List-Id is empty, over %d bytes or not printable US-ASCII. Write <label.example.com>.", maxListID)
	case !strings.Contains(f.raw, "<"):
		l.add(Error, "list-id-brackets", "RFC 2919 section 3", f.line,
			"The identifier in List-Id is not in angle brackets. Write <%s>.", id.ID)
	case !isDotAtom(id.ID) || !strings.Contains(id.ID, "."):
		l.add(Warning, "list-id-shape", "RFC 2919 section 2", f.line,
			"The identifier in List-Id is not a label and a domain of yours. Write <label.example.com>, so that it is unique in the world.")
	}
}

// lines checks the length of all lines of the message.
func (l *linter) lines(message []byte) {
	number, long, first := 0, 0, 0
	for rest := message; len(rest) > 0; {
		var line []byte
		line, rest = cutLine(rest)
		number++
		if len(line) > maxLine {
			if long++; long == 1 {
				first = number
			}
		}
	}
	if long > 0 {
		l.add(Error, "line-too-long", "RFC 5322 section 2.1.1", first,
			"%d line(s) are longer than %d bytes, the first here. Servers cut such lines or refuse the mail: shorten the URI, fold between URIs, or encode the body.", long, maxLine)
	}
}
