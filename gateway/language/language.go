// Package language says everything a page or a mail says to recipients, in the
// recipient's language. The texts are files, one for each language, of which an
// operator can replace single ones.
package language

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

//go:embed texts/*.json
var embedded embed.FS

// english is the language that has every text, and whose placeholders the other
// languages may use.
const english = "en"

// Catalogue holds the texts of all languages. It does not change after Load and
// is safe for concurrent use.
type Catalogue struct {
	speakers []*Speaker // English first
	byTag    map[string]*Speaker
}

// Load reads the embedded texts, and over them those in dir, a folder with
// files such as de.json; empty means none. A file there holds only the texts
// that it replaces. Other files than *.json are left alone. An error names the
// file and the key, and says what to do.
func Load(dir string) (*Catalogue, error) {
	c, err := build(embedded)
	if err != nil {
		return nil, fmt.Errorf("embedded texts: %w", err)
	}
	if dir != "" {
		if err := c.override(dir); err != nil {
			return nil, fmt.Errorf("texts in %s: %w", dir, err)
		}
	}
	return c, nil
}

// build makes a catalogue of the files in folder texts.
func build(files fs.FS) (*Catalogue, error) {
	names, err := fs.Glob(files, "texts/*.json")
	if err != nil {
		return nil, err
	}
	tags := []string{english}
	for _, name := range names {
		if tag := tagOf(name); tag != english {
			tags = append(tags, tag)
		}
	}
	c := &Catalogue{byTag: map[string]*Speaker{}}
	for _, tag := range tags {
		if err := c.add(files, tag); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// tagOf is the language of a file name.
func tagOf(file string) string {
	return strings.TrimSuffix(filepath.Base(file), ".json")
}

// add makes the speaker of a language. English comes first; what another
// language does not say is said in English.
func (c *Catalogue) add(files fs.FS, name string) error {
	tag, err := language.Parse(name)
	if err != nil {
		return fmt.Errorf("%s.json: %w", name, err)
	}
	rules, err := newPlurals(tag)
	if err != nil {
		return fmt.Errorf("%s.json: %w", name, err)
	}
	source, err := fs.ReadFile(files, "texts/"+name+".json")
	if err != nil {
		return err
	}
	s := &Speaker{tag: name, dir: direction(tag), plurals: rules, texts: map[string]*text{}}
	var known map[string]*text
	if len(c.speakers) > 0 {
		known = c.speakers[0].texts
		maps.Copy(s.texts, known)
	}
	texts, err := read(name+".json", source, rules.needed, known)
	if err != nil {
		return err
	}
	maps.Copy(s.texts, texts)
	c.speakers = append(c.speakers, s)
	c.byTag[name] = s
	return nil
}

// override lays the texts of a folder over the embedded ones. All its files are
// read, so that all errors are reported at once.
func (c *Catalogue) override(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	// What a file may say is determined by the embedded English texts, whatever
	// en.json of this folder makes of them.
	known := maps.Clone(c.speakers[0].texts)
	var mistakes []error
	for _, entry := range entries {
		if entry.IsDir() || filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		mistakes = append(mistakes, c.replace(dir, entry.Name(), known))
	}
	return errors.Join(mistakes...)
}

func (c *Catalogue) replace(dir, file string, known map[string]*text) error {
	s, ok := c.byTag[tagOf(file)]
	if !ok {
		return fmt.Errorf("%s: unknown language: name the file after one of %s, or remove it",
			file, strings.Join(slices.Sorted(maps.Keys(c.byTag)), " "))
	}
	source, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return err
	}
	texts, err := read(file, source, s.plurals.needed, known)
	if err != nil {
		return err
	}
	maps.Copy(s.texts, texts)
	return nil
}

// Keys returns the keys of all texts, sorted.
func (c *Catalogue) Keys() []string {
	return slices.Sorted(maps.Keys(c.speakers[0].texts))
}

// Speakers returns one speaker for each language, English first, then by tag.
func (c *Catalogue) Speakers() []*Speaker { return slices.Clone(c.speakers) }

// direction is that of the script a language is written in.
func direction(tag language.Tag) string {
	if script, _ := tag.Script(); script.String() == "Arab" || script.String() == "Hebr" {
		return "rtl"
	}
	return "ltr"
}
