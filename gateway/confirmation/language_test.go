package confirmation

import (
	"strings"
	"testing"

	"offramp/gateway/language"
)

// A key that has no text is said as it is, and a value that the letter does not
// give leaves its placeholder.
func TestEveryLanguageHasTheTexts(t *testing.T) {
	c, err := language.Load("")
	if err != nil {
		t.Fatal(err)
	}
	english := map[What]string{}
	for _, speaker := range c.Speakers() { // English first
		for _, what := range []What{ListAgain, AllAgain, SharingAgain, EraseAll, ShowAll} {
			s := &spool{}
			asked, q := asking(t, s), question(t)
			q.What, q.Speaker = what, speaker
			header, body := read(t, ask(t, asked, s, q))
			subject := decoded(t, header.Get("Subject"))
			if said := subject + body; strings.Contains(said, "mail.") || strings.Contains(said, "{{") {
				t.Errorf("%s, question %d: a text is missing:\n%s\n%s", speaker.Tag(), what, subject, body)
			}
			if got := header.Get("Content-Language"); got != speaker.Tag() {
				t.Errorf("%s is sent as %s", speaker.Tag(), got)
			}
			link(t, body)
			for _, value := range []string{"ada@example.net", "Example Letters", speaker.Moment(start.Truncate(1e9).Add(LifeOf(q.list())))} {
				if !strings.Contains(body, value) {
					t.Errorf("%s, question %d does not name %s:\n%s", speaker.Tag(), what, value, body)
				}
			}
			if english[what] == "" {
				english[what] = subject
			} else if subject == english[what] {
				t.Errorf("%s, question %d: the subject is English", speaker.Tag(), what)
			}
		}
	}
}
