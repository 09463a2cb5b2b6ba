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
		"unknown-key":         {`ja.json: "greetings": there is no text with this key: fix it, or remove it`},
		"unknown-language":    {`de.json: unknown language: name the file after one of ar en ja pl, or remove it`},
		"placeholder":         {`pl.json: "greeting": invalid placeholder {{.Imię}}: write placeholders as {{.Name}}`},
		"foreign-placeholder": {`pl.json: "greeting": the English text has no placeholder {{.Sender}}: use {{.Name}}`},
		"placeholder-of-none": {`en.json: "number.four": the English text has no placeholder {{.Count}}: use {{.High}} {{.Low}}`},
		"template-program":    {`en.json: "greeting": invalid placeholder {{if .Name}}: write placeholders as {{.Name}}`},
		"open-placeholder":    {`en.json: "greeting": unclosed {{.Name: write placeholders as {{.Name}}`},
		"lone-end":            {`en.json: "greeting": unmatched }}: write placeholders as {{.Name}}`},
		"missing-form":        {`pl.json: "mails": plural form "few" is missing: write one few many other`},
		"foreign-form":        {`ja.json: "mails": the language has no plural form "one": it has other`},
		"form-of-none":        {`ja.json: "mails": plural form "other" is not a text: write one`},
		"plain-for-plural":    {`en.json: "mails": the text counts something: write an object with a text for each plural form`},
		"plural-for-plain":    {`en.json: "greeting": the text has no plural: write a single text`},
		"empty":               {`en.json: "greeting": the text is empty: write one, or leave out the key`},
		"space":               {`en.json: "greeting": the text begins or ends with space: remove it`},
		"number":              {`en.json: "greeting": not a text, nor an object with one for each plural form: write one of them`},
		"null":                {`en.json: "greeting": not a text, nor an object with one for each plural form: write one of them`},
		"twice":               {`en.json: malformed JSON: "greeting" occurs twice: fix it, or remove the file`},
		"malformed":           {`en.json: malformed JSON: at byte `, `: fix it, or remove the file`},
		"cut":                 {`en.json: malformed JSON: "greeting": at byte `, `unexpected EOF: fix it, or remove the file`},
		"after":               {`en.json: malformed JSON: something follows the closing brace: fix it, or remove the file`},
		"array":               {`en.json: malformed JSON: not an object in braces: fix it, or remove the file`},
		"latin1":              {`en.json: not UTF-8: save the file in that encoding`},
		"nothing":             {`en.json: malformed JSON: at byte 0: unexpected EOF: fix it, or remove the file`},
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
