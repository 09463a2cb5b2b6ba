// Package language speaks to recipients in theirs: texts with plurals, dates
// and numbers in the languages of the pages, and the choice among them.
package language

import (
	"time"
)

// Speaker says things in one language. Read only, safe for concurrent use.
type Speaker struct{}

// Catalogue is all languages.
type Catalogue struct{}

// Load reads the embedded texts, and over them the files LANG.json of a folder
// (empty: none). The error names the file and the fault.
func Load(dir string) (*Catalogue, error) { panic("to be built") }

// Speakers returns all languages in the order of the switch.
func (c *Catalogue) Speakers() []*Speaker { panic("to be built") }

// Speaker returns the language with exactly that tag, or nil.
func (c *Catalogue) Speaker(tag string) *Speaker { panic("to be built") }

// Match returns the best language for what a browser asks for (the value of
// Accept-Language, RFC 9110 section 12.5.4); where nothing fits, the language
// of the first of fallbacks (BCP 47 tags, may be empty) that there is, and
// English at last.
func (c *Catalogue) Match(accept string, fallbacks ...string) *Speaker { panic("to be built") }

// Tag is the BCP 47 tag, for the lang attribute.
func (s *Speaker) Tag() string { panic("to be built") }

// Name is the language's name in itself.
func (s *Speaker) Name() string { panic("to be built") }

// Dir is ltr or rtl.
func (s *Speaker) Dir() string { panic("to be built") }

// Say returns the text with that key, its {{.Name}} filled in from pairs of
// names and values. A key that is missing is said in English; one that is
// unknown there too is a mistake of the program, and returned itself.
func (s *Speaker) Say(key string, pairs ...any) string { panic("to be built") }

// Count is Say with the plural form for n, which is {{.Count}} in the text,
// written as Number does.
func (s *Speaker) Count(key string, n int64, pairs ...any) string { panic("to be built") }

// Number groups digits.
func (s *Speaker) Number(n int64) string { panic("to be built") }

// Date is a day, in UTC, with the month in words.
func (s *Speaker) Date(t time.Time) string { panic("to be built") }

// Moment is a day and a time of day, in UTC, which it says.
func (s *Speaker) Moment(t time.Time) string { panic("to be built") }
