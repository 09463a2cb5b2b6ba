package language

import (
	"fmt"
	"strconv"
	"time"
)

// Speaker says things in one language. It is safe for concurrent use.
type Speaker struct {
	tag, dir string
	texts    map[string]*text
	plurals  *plurals
}

// Tag is the language's BCP 47 tag.
func (s *Speaker) Tag() string { return s.tag }

// Name is what the language calls itself.
func (s *Speaker) Name() string { return s.Say("language.name") }

// Dir is the direction of writing as HTML has it: "ltr" or "rtl".
func (s *Speaker) Dir() string { return s.dir }

// Say returns the text with that key, and the key itself when there is none.
// pairs are names and values of its placeholders: a string is put in as it is,
// any other value as fmt.Sprint writes it. The result is plain text: nothing is
// escaped for HTML. Of a text with plural it says the form "other".
func (s *Speaker) Say(key string, pairs ...any) string {
	t, ok := s.texts[key]
	if !ok {
		return key
	}
	return t.forms[other].say(pairs)
}

// Count is Say with the plural form of n. {{.Count}} is Number(n).
func (s *Speaker) Count(key string, n int64, pairs ...any) string {
	t, ok := s.texts[key]
	if !ok {
		return key
	}
	return t.form(s.plurals.category(n)).say(append([]any{"Count", s.Number(n)}, pairs...))
}

// Number writes n with Latin digits, in groups as the language has them.
func (s *Speaker) Number(n int64) string {
	digits, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		digits, sign = digits[1:], "-"
	}
	// Some languages write 1234, and 12.345.
	key := "number.group"
	if len(digits) == 4 {
		key = "number.four"
	}
	return sign + s.group(key, digits)
}

func (s *Speaker) group(key, digits string) string {
	if len(digits) <= 3 {
		return digits
	}
	cut := len(digits) - 3
	return s.Say(key, "High", s.group(key, digits[:cut]), "Low", digits[cut:])
}

// Date is the day of t, in the zone of t, with the month in words.
func (s *Speaker) Date(t time.Time) string {
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		day = s.Say("date.first")
	}
	return s.Say("date.day",
		"Day", day,
		"Month", s.Say("date.month."+strconv.Itoa(int(t.Month()))),
		"Year", strconv.Itoa(t.Year()))
}

// Moment is the day and the time of day of t to the minute, in UTC, and says so.
func (s *Speaker) Moment(t time.Time) string {
	t = t.UTC()
	return s.Say("date.moment",
		"Date", s.Date(t),
		"Time", fmt.Sprintf("%02d:%02d", t.Hour(), t.Minute()))
}
