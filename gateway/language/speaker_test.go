package language

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSayPutsValuesInAsTheyAre(t *testing.T) {
	s := load(t, "testdata/good").Match("en")
	for _, test := range []struct {
		key   string
		pairs []any
		want  string
	}{
		{"mail.act", nil, "Open it:"},
		{"mail.operator", []any{"Operator", "A & B <b@example.net>"}, "This message was sent automatically by A & B <b@example.net>."},
		{"mail.operator", []any{"Operator", "{{.Operator}} {{.List}}", "List", "x"}, "This message was sent automatically by {{.Operator}} {{.List}}."},
		{"mail.list.sender", []any{"Sender", time.Minute, "List", 2000}, "1m0s sends 2000, says 1m0s."},
		{"mail.until", nil, "The link is valid until {{.Until}}."},
		{"mail.until", []any{"Until"}, "The link is valid until {{.Until}}."},
		{"no.such.text", []any{"Operator", "x"}, "no.such.text"},
	} {
		if got := s.Say(test.key, test.pairs...); got != test.want {
			t.Errorf("%s %v: %q, want %q", test.key, test.pairs, got, test.want)
		}
	}
	if got := s.Count("no.such.text", 2); got != "no.such.text" {
		t.Errorf("Count of no text: %q", got)
	}
	if got := s.Count("mail.act", 2); got != "Open it:" {
		t.Errorf("Count of a text without plural: %q", got)
	}
}

func TestNumbers(t *testing.T) {
	const space, narrow = "\u00a0", "\u202f"
	numbers := []int64{0, 999, 1234, 12345, 1234567, -1234567}
	c := load(t, "")
	for tag, want := range map[string][]string{
		"en": {"0", "999", "1,234", "12,345", "1,234,567", "-1,234,567"},
		"zh": {"0", "999", "1,234", "12,345", "1,234,567", "-1,234,567"},
		"ja": {"0", "999", "1,234", "12,345", "1,234,567", "-1,234,567"},
		"ar": {"0", "999", "1,234", "12,345", "1,234,567", "-1,234,567"},
		"de": {"0", "999", "1.234", "12.345", "1.234.567", "-1.234.567"},
		"nl": {"0", "999", "1.234", "12.345", "1.234.567", "-1.234.567"},
		"pt": {"0", "999", "1.234", "12.345", "1.234.567", "-1.234.567"},
		"es": {"0", "999", "1234", "12.345", "1.234.567", "-1.234.567"},
		"it": {"0", "999", "1234", "12.345", "1.234.567", "-1.234.567"},
		"fr": {"0", "999", "1" + narrow + "234", "12" + narrow + "345", "1" + narrow + "234" + narrow + "567", "-1" + narrow + "234" + narrow + "567"},
		"pl": {"0", "999", "1234", "12" + space + "345", "1" + space + "234" + space + "567", "-1" + space + "234" + space + "567"},
	} {
		s, _ := c.Speaker(tag)
		var got []string
		for _, n := range numbers {
			got = append(got, s.Number(n))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tag, diff)
		}
	}
	if got := c.Match().Number(math.MinInt64); got != "-9,223,372,036,854,775,808" {
		t.Errorf("the least number is %s", got)
	}
}

func TestDates(t *testing.T) {
	c := load(t, "")
	day := time.Date(2026, 11, 26, 11, 37, 59, 0, time.UTC)
	first := time.Date(2027, 3, 1, 0, 5, 0, 0, time.UTC)
	for tag, want := range map[string][]string{
		"en": {"26 November 2026", "1 March 2027", "26 November 2026, 11:37 UTC"},
		"zh": {"2026年11月26日", "2027年3月1日", "2026年11月26日 11:37 UTC"},
		"de": {"26. November 2026", "1. März 2027", "26. November 2026, 11:37 UTC"},
		"fr": {"26 novembre 2026", "1er mars 2027", "26 novembre 2026 à 11:37 UTC"},
		"es": {"26 de noviembre de 2026", "1 de marzo de 2027", "26 de noviembre de 2026, 11:37 UTC"},
		"pt": {"26 de novembro de 2026", "1º de março de 2027", "26 de novembro de 2026, 11:37 UTC"},
		"it": {"26 novembre 2026", "1º marzo 2027", "26 novembre 2026, 11:37 UTC"},
		"nl": {"26 november 2026", "1 maart 2027", "26 november 2026, 11:37 UTC"},
		"pl": {"26 listopada 2026", "1 marca 2027", "26 listopada 2026, 11:37 UTC"},
		"ja": {"2026年11月26日", "2027年3月1日", "2026年11月26日 11:37 UTC"},
		"ar": {"26 نوفمبر 2026", "1 مارس 2027", "26 نوفمبر 2026، 11:37 UTC"},
	} {
		s, _ := c.Speaker(tag)
		if diff := cmp.Diff(want, []string{s.Date(day), s.Date(first), s.Moment(day)}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tag, diff)
		}
	}
}

func TestEveryMonthHasANameOfItsOwn(t *testing.T) {
	for _, s := range load(t, "").Speakers() {
		seen := map[string]time.Month{}
		for month := time.January; month <= time.December; month++ {
			date := s.Date(time.Date(2026, month, 20, 0, 0, 0, 0, time.UTC))
			if other, ok := seen[date]; ok {
				t.Errorf("%s: %v and %v are both %s", s.Tag(), other, month, date)
			}
			seen[date] = month
		}
	}
}

func TestMomentIsInUTC(t *testing.T) {
	s := load(t, "").Match()
	late := time.Date(2026, 11, 26, 23, 30, 0, 0, time.FixedZone("", -5*3600))
	if got := s.Moment(late); got != "27 November 2026, 04:30 UTC" {
		t.Error(got)
	}
	if got := s.Date(late); got != "26 November 2026" {
		t.Errorf("the day is not that of its own zone: %s", got)
	}
}
