package language

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOverridesReplaceSingleTexts(t *testing.T) {
	c := small(t)
	if err := c.override("testdata/overrides/good"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ tag, greeting, mails string }{
		{"en", "Good day, Ada", "5 mails from Bob"},
		{"pl", "Dzień dobry!", "5 listów"},
		{"ja", "Hello, Ada", "Bob からのメール 5 通"},
	} {
		s, _ := c.Speaker(test.tag)
		if got := s.Say("greeting", "Name", "Ada"); got != test.greeting {
			t.Errorf("%s greets %q, want %q", test.tag, got, test.greeting)
		}
		if got := s.Count("mails", 5, "Sender", "Bob"); got != test.mails {
			t.Errorf("%s counts %q, want %q", test.tag, got, test.mails)
		}
	}
}

func TestMistakesInOverridesAreNamed(t *testing.T) {
	wants := map[string][]string{
		"unknown-key":         {`ja.json: "greetings": there is no text with this key: correct it, or take it away`},
		"unknown-language":    {`de.json: no such language: name the file after one of ar en ja pl, or take it away`},
		"placeholder":         {`pl.json: "greeting": {{.Imię}} is no placeholder: write placeholders as {{.Name}}`},
		"foreign-placeholder": {`pl.json: "greeting": the English text has no placeholder {{.Sender}}: use {{.Name}}`},
		"placeholder-of-none": {`en.json: "number.four": the English text has no placeholder {{.Count}}: use {{.High}} {{.Low}}`},
		"template-program":    {`en.json: "greeting": {{if .Name}} is no placeholder: write placeholders as {{.Name}}`},
		"open-placeholder":    {`en.json: "greeting": {{.Name does not end: write placeholders as {{.Name}}`},
		"lone-end":            {`en.json: "greeting": }} ends no placeholder: write placeholders as {{.Name}}`},
		"missing-form":        {`pl.json: "mails": plural form "few" is missing: write one few many other`},
		"foreign-form":        {`ja.json: "mails": the language has no plural form "one": it has other`},
		"form-of-none":        {`ja.json: "mails": plural form "other" is no text: write one`},
		"plain-for-plural":    {`en.json: "mails": the text counts something: write an object with a text for each plural form`},
		"plural-for-plain":    {`en.json: "greeting": the text has no plural: write one text alone`},
		"empty":               {`en.json: "greeting": the text is empty: write one, or leave out the key`},
		"space":               {`en.json: "greeting": the text begins or ends with space: take it away`},
		"number":              {`en.json: "greeting": neither a text nor an object with one for each plural form: write one of them`},
		"null":                {`en.json: "greeting": neither a text nor an object with one for each plural form: write one of them`},
		"twice":               {`en.json: malformed JSON: "greeting" is there twice: mend it, or take the file away`},
		"malformed":           {`en.json: malformed JSON: at octet `, `: mend it, or take the file away`},
		"cut":                 {`en.json: malformed JSON: "greeting": at octet `, `unexpected EOF: mend it, or take the file away`},
		"after":               {`en.json: malformed JSON: something follows the closing brace: mend it, or take the file away`},
		"array":               {`en.json: malformed JSON: not an object in braces: mend it, or take the file away`},
		"latin1":              {`en.json: not UTF-8: save the file in that encoding`},
		"nothing":             {`en.json: malformed JSON: at octet 0: unexpected EOF: mend it, or take the file away`},
		"several":             {`en.json: "greeting": the text is empty`, `en.json: "greetings": there is no text`, `ja.json: "mails": the text counts`},
	}
	entries, err := os.ReadDir("testdata/overrides")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(wants)+1 { // and the good one
		t.Errorf("%d folders of overrides, %d of them tested", len(entries), len(wants)+1)
	}
	for name, want := range wants {
		t.Run(name, func(t *testing.T) {
			err := small(t).override(filepath.Join("testdata/overrides", name))
			if err == nil {
				t.Fatal("no mistake found")
			}
			for _, part := range want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error is\n%v\nand does not say\n%s", err, part)
				}
			}
		})
	}
}

func TestLoadTellsOfAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a folder that is not there: %v", err)
	}
	dir = "testdata/overrides/missing-form"
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), dir+": pl.json: ") {
		t.Errorf("a folder with a mistake: %v", err)
	}
}
