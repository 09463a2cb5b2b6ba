package footer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"offramp/gateway/mime"
)

const (
	plainWidth = 76  // characters of a line of plain text
	htmlWidth  = 200 // bytes of a line of HTML; SMTP allows 998
)

// target is where plain text goes.
type target struct {
	charset  string
	eightBit bool
}

// html returns the line for HTML, apart where the link stands. It is ASCII, so
// that it fits every charset.
func (f *Footer) html(w words, first bool) []string {
	v := w.view
	v.First = first
	out, err := w.look.say(fileHTML, v)
	if err != nil {
		return []string{"", ""} // the template was tried with every field it may name
	}
	return strings.Split(narrow(entities(strings.TrimSpace(out))), marker)
}

// entities writes what is not ASCII as HTML references.
func entities(text string) string {
	if mime.ASCII(text) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if r < utf8.RuneSelf {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, "&#%d;", r)
		}
	}
	return out.String()
}

// narrow sets HTML in lines with CRLF, broken at white space where they are long.
func narrow(text string) string {
	var out strings.Builder
	column := 0
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			out.WriteString("\r\n")
			column = 0
		}
		for j, word := range strings.Split(line, " ") {
			switch {
			case j == 0:
			case column+1+len(word) > htmlWidth:
				out.WriteString("\r\n")
				column = 0
			default:
				out.WriteByte(' ')
				column++
			}
			out.WriteString(word)
			column += len(word)
		}
	}
	return out.String()
}

// plain returns the line for plain text in a charset: in the language of the
// list, with simple quotation marks where it lacks others, else in English.
func (f *Footer) plain(w words, c target, first bool) []string {
	for _, v := range [...]view{w.view, simple(w.view), simple(w.english)} {
		v.First = first
		out, err := w.look.say(fileText, v)
		if err != nil {
			break
		}
		if text, ok := inCharset(wrap(strings.TrimSpace(out)), c.charset, c.eightBit); ok {
			return strings.Split(text, marker)
		}
	}
	return []string{"Unsubscribe: ", ""}
}

// simple writes marks that few charsets have in ASCII.
func simple(v view) view {
	marks := strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "「", `"`, "」", `"`, "‘", "'", "’", "'", "–", "-", "—", "-", "…", "...", "\u00a0", " ", "\u202f", " ")
	for _, text := range [...]*string{&v.List, &v.Sender, &v.Leave, &v.Who, &v.Why, &v.End, &v.Notice} {
		*text = marks.Replace(*text)
	}
	return v
}

// wrap sets plain text in lines with CRLF. A line with a link stays whole.
func wrap(text string) string {
	var out strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			out.WriteString("\r\n")
		}
		line = strings.TrimRight(line, " \t")
		if strings.Contains(line, "https://") {
			out.WriteString(line)
			continue
		}
		column := 0
		for j, word := range strings.Fields(line) {
			width := utf8.RuneCountInString(word)
			switch {
			case j == 0:
			case column+1+width > plainWidth:
				out.WriteString("\r\n")
				column = 0
			default:
				out.WriteByte(' ')
				column++
			}
			out.WriteString(word)
			column += width
		}
	}
	return out.String()
}
