package language

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/language"
)

// small is a catalogue of few texts in four languages.
func small(t *testing.T) *Catalogue {
	t.Helper()
	c, err := build(os.DirFS("testdata/small"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCountSaysTheFormOfTheNumber(t *testing.T) {
	c := small(t)
	for _, test := range []struct {
		tag  string
		n    int64
		want string
	}{
		{"en", 0, "0 mails from Ada"},
		{"en", 1, "1 mail from Ada"},
		{"en", 1234, "1,234 mails from Ada"},
		{"pl", 1, "1 wiadomość od Ada"},
		{"pl", 2, "2 wiadomości od Ada"},
		{"pl", 5, "5 wiadomości od Ada (many)"},
		{"pl", 22, "22 wiadomości od Ada"},
		{"pl", 1022, "1,022 wiadomości od Ada"},
		{"ar", 0, "لا رسائل"},
		{"ar", 1, "رسالة واحدة"},
		{"ar", 2, "رسالتان"},
		{"ar", 3, "3 رسائل"},
		{"ar", 11, "11 رسالة"},
		{"ar", 100, "100 رسالة (other)"},
		{"ja", 1, "Ada からのメール 1 通"},
		{"ja", 22, "Ada からのメール 22 通"},
	} {
		s, _ := c.Speaker(test.tag)
		if got := s.Count("mails", test.n, "Sender", "Ada"); got != test.want {
			t.Errorf("%s %d: %q, want %q", test.tag, test.n, got, test.want)
		}
	}
}

func TestWhatIsNotTranslatedIsSaidInEnglish(t *testing.T) {
	for _, s := range small(t).Speakers() {
		if got := s.Say("greeting", "Name", "Ada"); got != "Hello, Ada" {
			t.Errorf("%s: %q", s.Tag(), got)
		}
		// Of five, Polish and Arabic have forms that English has not.
		if got := s.Count("pieces", 5); got != "5 pieces" {
			t.Errorf("%s: %q", s.Tag(), got)
		}
	}
}

// The forms are those of CLDR 44 and later, numbers with a fraction left out.
func TestPluralCategories(t *testing.T) {
	numbers := []int64{0, 1, 2, 5, 11, 22, 100, 999, 1000, 1001, 1_000_000, 1_000_001, -1}
	for tag, want := range map[string]struct{ needed, said string }{
		"en": {"one other", "other one other other other other other other other other other other one"},
		"de": {"one other", "other one other other other other other other other other other other one"},
		"nl": {"one other", "other one other other other other other other other other other other one"},
		"fr": {"one many other", "one one other other other other other other other other many other one"},
		"pt": {"one many other", "one one other other other other other other other other many other one"},
		"es": {"one many other", "other one other other other other other other other other many other one"},
		"it": {"one many other", "other one other other other other other other other other many other one"},
		"pl": {"one few many other", "many one few many many few many many many many many many one"},
		"ja": {"other", "other other other other other other other other other other other other other"},
		"zh": {"other", "other other other other other other other other other other other other other"},
		"ar": {"zero one two few many other", "zero one two few many many other many other other other other one"},
	} {
		p, err := newPlurals(language.MustParse(tag))
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, n := range numbers {
			said = append(said, p.category(n))
		}
		if diff := cmp.Diff(strings.Fields(want.said), said); diff != "" {
			t.Errorf("%s says (-want +got):\n%s", tag, diff)
		}
		if diff := cmp.Diff(strings.Fields(want.needed), p.needed); diff != "" {
			t.Errorf("%s needs (-want +got):\n%s", tag, diff)
		}
	}
}
