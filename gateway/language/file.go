package language

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// read returns the texts of a file: one flat object whose values are texts, or
// objects with a text for each plural form that the language needs. known are
// the English texts, nil for the English file itself. The error names file and
// key of every mistake, on a line each.
func read(file string, source []byte, needed []string, known map[string]*text) (map[string]*text, error) {
	// Editors of one system put a byte order mark before everything.
	source = bytes.TrimPrefix(source, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(source) {
		return nil, fmt.Errorf("%s: not UTF-8: save the file in that encoding", file)
	}
	raw, err := object(source)
	if err != nil {
		return nil, fmt.Errorf("%s: malformed JSON: %w: fix it, or remove the file", file, err)
	}
	texts := map[string]*text{}
	var mistakes []error
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		t, err := value(raw[key], needed)
		if err == nil && known != nil {
			err = t.fits(known[key])
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %q: %w", file, key, err))
		}
		texts[key] = t
	}
	return texts, errors.Join(mistakes...)
}

// object takes apart one JSON object. A name that comes twice is a mistake:
// one of its texts would be lost without a word.
func object(source []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(source))
	if open, err := d.Token(); err != nil {
		return nil, where(d, err)
	} else if open != json.Delim('{') {
		return nil, errors.New("not an object in braces")
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, where(d, err)
		}
		key := name.(string) // the decoder lets nothing else stand there
		var member json.RawMessage
		if err := d.Decode(&member); err != nil {
			return nil, fmt.Errorf("%q: %w", key, where(d, err))
		}
		if _, twice := members[key]; twice {
			return nil, fmt.Errorf("%q occurs twice", key)
		}
		members[key] = member
	}
	if _, err := d.Token(); err != nil {
		return nil, where(d, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the closing brace")
	}
	return members, nil
}

// where adds the place to an error of the decoder.
func where(d *json.Decoder, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("at byte %d: %w", d.InputOffset(), err)
}

// value makes a text of what stands under a key.
func value(raw json.RawMessage, needed []string) (*text, error) {
	var plain string
	if json.Unmarshal(raw, &plain) == nil && raw[0] == '"' {
		t, err := parse(plain)
		return &text{forms: map[string]template{other: t}}, err
	}
	if raw[0] != '{' {
		return nil, errors.New("not a text, nor an object with one for each plural form: write one of them")
	}
	forms, err := object(raw)
	if err != nil {
		return nil, err
	}
	result := &text{plural: true, forms: map[string]template{}}
	for _, form := range slices.Sorted(maps.Keys(forms)) {
		if !slices.Contains(needed, form) {
			return nil, fmt.Errorf("the language has no plural form %q: it has %s", form, strings.Join(needed, " "))
		}
		if err := json.Unmarshal(forms[form], &plain); err != nil || forms[form][0] != '"' {
			return nil, fmt.Errorf("plural form %q is not a text: write one", form)
		}
		if result.forms[form], err = parse(plain); err != nil {
			return nil, fmt.Errorf("plural form %q: %w", form, err)
		}
	}
	for _, form := range needed {
		if _, ok := forms[form]; !ok {
			return nil, fmt.Errorf("plural form %q is missing: write %s", form, strings.Join(needed, " "))
		}
	}
	return result, nil
}

// fits tells whether t can stand where english stands.
func (t *text) fits(english *text) error {
	switch {
	case english == nil:
		return errors.New("there is no text with this key: fix it, or remove it")
	case english.plural && !t.plural:
		return errors.New("the text counts something: write an object with a text for each plural form")
	case t.plural && !english.plural:
		return errors.New("the text has no plural: write a single text")
	}
	allowed := english.placeholders()
	if t.plural {
		allowed = append(allowed, "Count")
	}
	for _, name := range t.placeholders() {
		if !slices.Contains(allowed, name) {
			return fmt.Errorf("the English text has no placeholder {{.%s}}: %s", name, offer(english.placeholders()))
		}
	}
	return nil
}

// offer says which placeholders there are.
func offer(names []string) string {
	if len(names) == 0 {
		return "remove it"
	}
	return "use {{." + strings.Join(names, "}} {{.") + "}}"
}
