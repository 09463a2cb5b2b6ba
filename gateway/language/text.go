package language

import (
	"fmt"
	"slices"
	"strings"
)

// other is the form that every language has (UTS 35 part 3 section 5).
const other = "other"

// text is what is said under a key: one template, or one for each form of a
// plural.
type text struct {
	plural bool
	forms  map[string]template // of a text without plural: other alone
}

// form is the template of that form. A language that has no text of its own
// yet speaks English, which has fewer forms than others.
func (t *text) form(name string) template {
	if f, ok := t.forms[name]; ok {
		return f
	}
	return t.forms[other]
}

// placeholders are the names in all forms, sorted.
func (t *text) placeholders() []string {
	var names []string
	for _, f := range t.forms {
		for _, p := range f {
			if p.name != "" {
				names = append(names, p.name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// template is a text that was taken apart once, so that saying it is cheap.
type template []part

// part is a literal, or the name of a value.
type part struct{ literal, name string }

// parse takes apart a text with placeholders {{.Name}}. It knows nothing else
// of text/template: who writes a text writes no program.
func parse(s string) (template, error) {
	if strings.TrimSpace(s) == "" {
		return nil, fmt.Errorf("the text is empty: write one, or leave out the key")
	}
	if s != strings.TrimSpace(s) {
		return nil, fmt.Errorf("the text begins or ends with space: remove it")
	}
	var t template
	for s != "" {
		literal, rest, found := strings.Cut(s, "{{")
		if strings.Contains(literal, "}}") {
			return nil, fmt.Errorf("unmatched }}: write placeholders as {{.Name}}")
		}
		if literal != "" {
			t = append(t, part{literal: literal})
		}
		if !found {
			break
		}
		inside, after, closed := strings.Cut(rest, "}}")
		name, dotted := strings.CutPrefix(inside, ".")
		if !closed {
			return nil, fmt.Errorf("unclosed {{%s: write placeholders as {{.Name}}", shorten(inside))
		}
		if !dotted || !isName(name) {
			return nil, fmt.Errorf("invalid placeholder {{%s}}: write placeholders as {{.Name}}", shorten(inside))
		}
		t = append(t, part{name: name})
		s = after
	}
	return t, nil
}

func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// shorten keeps the error that quotes s readable.
func shorten(s string) string {
	if r := []rune(s); len(r) > 20 {
		return string(r[:20]) + "..."
	}
	return s
}

// say puts the values of pairs in. A placeholder without a value stays: that is
// a mistake of the caller, which is better seen than hidden.
func (t template) say(pairs []any) string {
	if len(t) == 1 && t[0].name == "" {
		return t[0].literal
	}
	var b strings.Builder
	for _, p := range t {
		switch value, ok := find(p.name, pairs); {
		case p.name == "":
			b.WriteString(p.literal)
		case ok:
			b.WriteString(value)
		default:
			b.WriteString("{{." + p.name + "}}")
		}
	}
	return b.String()
}

// find returns the value of name as text.
func find(name string, pairs []any) (string, bool) {
	if name == "" {
		return "", false
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] != name {
			continue
		}
		if s, ok := pairs[i+1].(string); ok {
			return s, true
		}
		return fmt.Sprint(pairs[i+1]), true
	}
	return "", false
}
