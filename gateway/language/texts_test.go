package language

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/language"
)

// own returns the texts that the embedded file of a language has itself.
func own(t *testing.T, tag string) map[string]*text {
	t.Helper()
	rules, err := newPlurals(language.MustParse(tag))
	if err != nil {
		t.Fatal(err)
	}
	source, err := fs.ReadFile(embedded, "texts/"+tag+".json")
	if err != nil {
		t.Fatal(err)
	}
	texts, err := read(tag+".json", source, rules.needed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestElevenLanguagesAreSpoken(t *testing.T) {
	var tags, names []string
	for _, s := range load(t, "").Speakers() {
		tags, names = append(tags, s.Tag()), append(names, s.Name())
		want := "ltr"
		if s.Tag() == "ar" {
			want = "rtl"
		}
		if s.Dir() != want {
			t.Errorf("%s is written %s", s.Tag(), s.Dir())
		}
	}
	if diff := cmp.Diff(strings.Fields("en ar de es fr it ja nl pl pt zh"), tags); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(strings.Fields("English العربية Deutsch Español Français Italiano 日本語 Nederlands Polski Português 中文"), names); diff != "" {
		t.Error(diff)
	}
}

func TestEveryLanguageSaysTheSame(t *testing.T) {
	c := load(t, "")
	reference := own(t, english)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(reference)), c.Keys()); diff != "" {
		t.Errorf("keys of the catalogue: %s", diff)
	}
	for _, s := range c.Speakers()[1:] {
		t.Run(s.Tag(), func(t *testing.T) {
			texts := own(t, s.Tag())
			for _, key := range c.Keys() {
				got, want := texts[key], reference[key]
				if got == nil {
					t.Errorf("%s: not translated", key)
					continue
				}
				if got.plural != want.plural {
					t.Errorf("%s: plural is %t, in English %t", key, got.plural, want.plural)
				}
				if diff := cmp.Diff(want.placeholders(), got.placeholders()); diff != "" {
					t.Errorf("%s: placeholders (-English +%s): %s", key, s.Tag(), diff)
				}
				delete(texts, key)
			}
			for key := range texts {
				t.Errorf("%s: there is no such text in English", key)
			}
		})
	}
}

// A form that is said of several numbers has to name the number: French says
// "one" of nothing too.
func TestFormsOfSeveralNumbersNameTheNumber(t *testing.T) {
	for _, s := range load(t, "").Speakers() {
		numbers := map[string]int{"many": 2, other: 2} // a million and beyond
		for n := range int64(1000) {
			numbers[s.plurals.category(n)]++
		}
		for key, text := range own(t, s.Tag()) {
			if !slices.Contains(text.placeholders(), "Count") {
				continue
			}
			for form, template := range text.forms {
				if numbers[form] > 1 && !slices.Contains(template, part{name: "Count"}) {
					t.Errorf("%s: %s: the form %q is said of %d numbers and more, but has no {{.Count}}", s.Tag(), key, form, numbers[form])
				}
			}
		}
	}
}

// Texts are escaped when they get into a page, so markup in them would be seen.
func TestTextsHoldNoMarkup(t *testing.T) {
	for _, s := range load(t, "").Speakers() {
		for key, text := range own(t, s.Tag()) {
			for _, template := range text.forms {
				for _, p := range template {
					if strings.ContainsAny(p.literal, "<>") || strings.Contains(p.literal, "&") && strings.Contains(p.literal, ";") {
						t.Errorf("%s: %s: markup in %q", s.Tag(), key, p.literal)
					}
				}
			}
		}
	}
}
