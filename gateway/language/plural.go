package language

import (
	"slices"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	goi18n "github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
)

// categories are all that CLDR knows (UTS 35 part 3 section 5.1).
var categories = []string{"zero", "one", "two", "few", "many", other}

// plurals returns the plural category of a number in one language. The rules are
// those of CLDR as go-i18n has them: it keeps them to itself, so it is asked to
// say a message whose forms are their own names. golang.org/x/text/feature/plural
// would say it, but by CLDR 32, where Romance languages have no form for a million.
type plurals struct {
	speak  *i18n.Localizer
	ask    i18n.LocalizeConfig
	small  [1000]string // by number: nearly every count is one of these
	needed []string     // categories that a text must have, in the order of categories
}

func newPlurals(tag language.Tag) (*plurals, error) {
	bundle := i18n.NewBundle(tag)
	err := bundle.AddMessages(tag, &i18n.Message{
		ID: "category", Zero: "zero", One: "one", Two: "two", Few: "few", Many: "many", Other: other})
	if err != nil {
		return nil, err
	}
	p := &plurals{
		speak: i18n.NewLocalizer(bundle, tag.String()),
		ask:   i18n.LocalizeConfig{MessageID: "category", TemplateParser: goi18n.IdentityParser{}},
	}
	met := map[string]bool{other: true}
	for n := range p.small {
		p.small[n] = p.lookUp(int64(n))
		met[p.small[n]] = true
	}
	// Romance languages say "a million of".
	met[p.lookUp(1_000_000)] = true
	p.needed = slices.DeleteFunc(slices.Clone(categories), func(c string) bool { return !met[c] })
	return p, nil
}

// category of n, which may be negative.
func (p *plurals) category(n int64) string {
	if n >= 0 && n < int64(len(p.small)) {
		return p.small[n]
	}
	return p.lookUp(n)
}

func (p *plurals) lookUp(n int64) string {
	ask := p.ask
	ask.PluralCount = n
	category, err := p.speak.Localize(&ask)
	if err != nil {
		return other
	}
	return category
}
