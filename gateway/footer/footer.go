package footer

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	plain "text/template"

	"offramp/gateway/language"
	"offramp/gateway/mime"
	"offramp/store"
)

//go:embed templates
var embedded embed.FS

// Footer knows what the line says, and how it looks. Safe for concurrent use.
type Footer struct {
	Texts    *language.Catalogue
	Language string // of lists and messages that name none
	Operator string // sends what no list names a sender of
	Privacy  string // https URL of the privacy notice; empty: none
	Ours     string // how links to the recipients' listener begin

	look  look
	lists map[string]look
}

// look is the templates of one list, or of all others.
type look struct {
	html *template.Template
	text *plain.Template
}

// The names of the templates.
const (
	fileHTML = "footer.html"
	fileText = "footer.txt"
	maxFile  = 32 << 10
)

// marker stands in a template for the link, which each recipient has another of.
const marker = "https://link.offramp.invalid/"

// Load reads the templates: the embedded ones, over them those in dir, and for
// single lists those in dir/lists/LIST-ID. dir may be empty. Errors name the file.
func (f *Footer) Load(dir string) error {
	if err := f.look.read(embedded, "templates"); err != nil {
		return err
	}
	if dir == "" {
		return nil
	}
	files := os.DirFS(dir)
	if err := f.look.read(files, "."); err != nil {
		return fmt.Errorf("in %s: %w", dir, err)
	}
	// Identifiers of lists come from senders, so none ever becomes a path.
	folders, err := fs.ReadDir(files, "lists")
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("in %s: %w", dir, err)
	}
	f.lists = make(map[string]look)
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		own := f.look
		if err := own.read(files, "lists/"+folder.Name()); err != nil {
			return fmt.Errorf("in %s: %w", filepath.Join(dir, "lists", folder.Name()), err)
		}
		f.lists[folder.Name()] = own
	}
	return nil
}

// read takes the templates that are in a folder, and tries them.
func (l *look) read(files fs.FS, folder string) error {
	for _, name := range [...]string{fileHTML, fileText} {
		source, err := fs.ReadFile(files, path.Join(folder, name))
		if os.IsNotExist(err) {
			continue
		}
		if err == nil && len(source) > maxFile {
			err = fmt.Errorf("it is larger than %d KiB", maxFile>>10)
		}
		if err == nil {
			err = l.parse(name, string(source))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (l *look) parse(name, source string) error {
	var err error
	tried := *l
	if name == fileHTML {
		tried.html, err = template.New(name).Parse(source)
	} else {
		tried.text, err = plain.New(name).Parse(source)
	}
	if err != nil {
		return err
	}
	full := view{Lang: "en", Dir: "ltr", List: "l", Sender: "s", Privacy: "https://p.invalid/", Leave: "l", Who: "w", Why: "w", End: "e", Notice: "n"}
	for _, v := range [...]view{{}, {First: true}, full, full.first()} { // every branch, as far as it may be known
		v.Link = marker
		out, err := tried.say(name, v)
		if err != nil {
			return err
		}
		if !strings.Contains(out, marker) {
			return fmt.Errorf("it has no {{.Link}}: write one, or remove the file")
		}
	}
	*l = tried
	return nil
}

// say returns what a template makes of v, with LF as line end.
func (l *look) say(name string, v view) (string, error) {
	var out bytes.Buffer
	var err error
	if name == fileHTML {
		err = l.html.Execute(&out, v)
	} else {
		err = l.text.Execute(&out, v)
	}
	return lineEnds.Replace(out.String()), err
}

// lineEnds makes one of those that a file may have: a lone CR must not get into a
// message.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// view is what templates may name.
type view struct {
	Link    string // the recipient's own; also in the texts of plain mail
	First   bool   // it is the first message of the list to this person
	Lang    string // BCP 47 tag
	Dir     string // ltr or rtl
	List    string // name of the list
	Sender  string // who sends it
	Privacy string // https URL; empty: none

	// Texts in the language of the list.
	Leave  string // what the link does
	Who    string // sends this; for the first message, as the next ones
	Why    string // it comes
	End    string // how it ends
	Notice string // where the privacy notice is; empty: nowhere
}

// first is v for the first message of the list.
func (v view) first() view {
	v.First = true
	return v
}

// words is what is said about one list in one language.
type words struct {
	look    look
	view    view
	english view // for charsets without the language
}

// words chooses language and look. wish is the language that the message names.
func (f *Footer) words(l store.List, wish string) words {
	own, ok := f.lists[l.ID]
	if !ok {
		own = f.look
	}
	name := shown(cmp.Or(l.Name, l.ID))
	sender := shown(cmp.Or(l.Sender, f.Operator))
	w := words{look: own}
	w.view = f.view(f.Texts.Match(cmp.Or(l.Language, wish), f.Language), name, sender)
	w.english = f.view(f.Texts.Match("en"), shown(l.ID), sender)
	return w
}

func (f *Footer) view(s *language.Speaker, list, sender string) view {
	say := func(key string) string { return s.Say("footer."+key, "List", list, "Sender", sender) }
	v := view{Link: marker, Lang: s.Tag(), Dir: s.Dir(), List: list, Sender: sender, Privacy: f.Privacy,
		Leave: say("leave"), Who: say("who"), Why: say("why"), End: say("end")}
	if f.Privacy != "" {
		v.Notice = say("privacy")
	}
	return v
}

// Longest names that the line says. In HTML a character may take ten bytes, and
// some languages have no space between two names, where a line of SMTP could be
// broken: both and what stands around them stay under its 998 bytes.
const (
	maxName       = 100 // characters
	maxNameInHTML = 360 // bytes
)

// shown is a name as it can stand in a line.
func shown(name string) string {
	name = mime.OneLine(name)
	characters, size := 0, 0
	for at, r := range name {
		characters++
		size += len(entities(template.HTMLEscapeString(string(r))))
		if characters > maxName || size > maxNameInHTML {
			return name[:at]
		}
	}
	return name
}
