package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"unicode"

	"offramp/gateway/envelope"
	"offramp/listunsub"
)

// newsletter is a sender of list mail and the list its mail belongs to.
type newsletter struct {
	from string // an address, or @domain
	list listunsub.ListID
}

// parseNewsletter reads ADDRESS=Name <list.id>. Without an identifier the list
// is named after the address.
func parseNewsletter(text string) (newsletter, error) {
	from, name, _ := strings.Cut(strings.TrimSpace(text), "=")
	from, name = strings.ToLower(strings.TrimSpace(from)), strings.TrimSpace(name)
	local, domain, _ := strings.Cut(from, "@")
	probe := from
	if local == "" {
		probe = "x" + from
	}
	a, err := envelope.Parse(probe)
	if err != nil || strings.ContainsAny(from, "*\"\\ \t#") || !strings.Contains(domain, ".") {
		return newsletter{}, fault("--newsletter: %q: write ADDRESS=Name of the list, such as news@example.com=Weekly news", text)
	}
	n := newsletter{from: local + "@" + a.Domain(), list: listunsub.ListID{Name: name, ID: strings.TrimPrefix(local+"."+a.Domain(), ".")}}
	if before, id, ok := strings.Cut(strings.TrimSuffix(name, ">"), "<"); ok && strings.HasSuffix(name, ">") {
		n.list = listunsub.ListID{Name: strings.Join(strings.Fields(before), " "), ID: strings.ToLower(strings.TrimSpace(id))}
	}
	if read, err := listunsub.ParseListID("<" + n.list.ID + ">"); err != nil || read.ID != n.list.ID || strings.ContainsFunc(name, unicode.IsControl) {
		return newsletter{}, fault("--newsletter: %q: %q cannot name a list: add an identifier such as <weekly.example.com>", text, n.list.ID)
	}
	return n, nil
}

// rule is the line of the rules file.
func (n newsletter) rule() string {
	value := "<" + n.list.ID + ">"
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	if n.list.Name != "" {
		value = n.list.Name + " " + value
		if read, err := listunsub.ParseListID(value); err != nil || read != n.list { // brackets, quotes and the like
			value = `"` + escape.Replace(n.list.Name) + `" <` + n.list.ID + ">"
		}
	}
	return `list "` + escape.Replace(value) + `" from=` + n.from
}

const rulesHead = `# Which mail is list mail that people can unsubscribe from, and which is not.
# One rule a line; the first that matches decides. Conditions: login, network,
# sender, from, subject, header:NAME; * means any characters.
#
#   list "Weekly news <weekly.example.com>" from=news@example.com
#   transactional login=shop subject="Your order *"
#
# With from=ADDRESS all mail from this address becomes list mail, password resets
# too: name only addresses that send nothing but newsletters. Newsletters that have
# List-Id or List-Unsubscribe need no rule. See what each message would be with:
# offramp classify FILE
`

// initRules writes the rules of the newsletters, or adds those that are missing.
func (a *app) initRules(st *setup) error {
	path := st.rules
	old, err := os.ReadFile(path)
	text := string(old)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text = rulesHead
	case err != nil:
		return fault("OFFRAMP_STREAM_RULES: %s", plainPathError(err))
	case text != "" && !strings.HasSuffix(text, "\n"):
		text += "\n"
	}
	added := 0
	for _, n := range st.newsletters {
		if line := n.rule(); !strings.Contains("\n"+text, "\n"+line+"\n") {
			text += line + "\n"
			added++
		}
	}
	st.rulesChanged = added > 0 && err == nil
	switch {
	case old == nil && err != nil:
		if err := writeNew(path, []byte(text)); err != nil {
			return fault("OFFRAMP_STREAM_RULES: %s", plainPathError(err))
		}
		a.say("wrote  %s (%s)", path, plural(added, "newsletter"))
	case added > 0:
		if err := replaceFile(path, []byte(text)); err != nil {
			return fault("OFFRAMP_STREAM_RULES: %s", plainPathError(err))
		}
		a.say("changed %s: added %s", path, plural(added, "rule"))
	default:
		a.say("kept   %s", path)
	}
	return nil
}
