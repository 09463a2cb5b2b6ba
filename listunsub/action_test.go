package listunsub_test

import (
	"errors"
	"strings"
	"testing"

	"offramp/listunsub"
)

func TestAction(t *testing.T) {
	const oneClick = "List-Unsubscribe=One-Click"
	for name, tt := range map[string]struct {
		unsubscribe, post []string
		want              string // empty: none
	}{
		"one-click":               {[]string{"<https://a.example/u?x=1>"}, []string{oneClick}, "https://a.example/u?x=1"},
		"listmonk":                {[]string{"<http://localhost:9000/subscription/8a1c9e51-8f1b-4f43-9c8e-0c1c9c3c8a11/6f3d0a52-3b5e-4e84-b0e8-0e9c7d5a1b11>"}, []string{oneClick}, "http://localhost:9000/subscription/8a1c9e51-8f1b-4f43-9c8e-0c1c9c3c8a11/6f3d0a52-3b5e-4e84-b0e8-0e9c7d5a1b11"},
		"mailto first":            {[]string{"<mailto:u@a.example>, <https://a.example/u>"}, []string{oneClick}, "https://a.example/u"},
		"https before http":       {[]string{"<http://a.example/1>, <https://a.example/2>, <https://a.example/3>"}, []string{oneClick}, "https://a.example/2"},
		"folded":                  {[]string{" <https://a.example/u\r\n\t?x=1>,\r\n <mailto:u@a.example>"}, []string{"\r\n " + oneClick}, "https://a.example/u?x=1"},
		"comments":                {[]string{"(see <https://evil.example/>) <https://a.example/u> (click)"}, []string{oneClick}, "https://a.example/u"},
		"case":                    {[]string{"<HTTPS://a.example/U>"}, []string{"list-unsubscribe=one-click"}, "https://a.example/U"},
		"without Post: a page":    {[]string{"<https://a.example/u>"}, nil, ""},
		"without Post: mailto":    {[]string{"<https://a.example/u>, <mailto:u@a.example?subject=x>"}, nil, "mailto:u@a.example?subject=x"},
		"another Post":            {[]string{"<https://a.example/u>, <mailto:u@a.example>"}, []string{"List-Unsubscribe=Two-Clicks"}, "mailto:u@a.example"},
		"two Posts":               {[]string{"<https://a.example/u>"}, []string{oneClick, oneClick}, ""},
		"two fields":              {[]string{"<https://a.example/u>", "<https://b.example/u>"}, []string{oneClick}, ""},
		"no field":                {nil, []string{oneClick}, ""},
		"no URI":                  {[]string{"click here"}, []string{oneClick}, ""},
		"fragment":                {[]string{"<https://a.example/u#top>"}, []string{oneClick}, "https://a.example/u"},
		"password":                {[]string{"<https://me:secret@a.example/u>"}, []string{oneClick}, ""},
		"user":                    {[]string{"<https://a.example@169.254.169.254/u>"}, []string{oneClick}, ""},
		"no host":                 {[]string{"<https:///u>"}, []string{oneClick}, ""},
		"opaque":                  {[]string{"<https:a.example/u>"}, []string{oneClick}, ""},
		"other schemes":           {[]string{"<file:///etc/passwd>, <gopher://a.example/>, <ftp://a.example/>, <javascript:alert(1)>"}, []string{oneClick}, ""},
		"line end":                {[]string{"<https://a.example/u%0d%0aX:y>"}, []string{oneClick}, "https://a.example/u%0d%0aX:y"},
		"stray percent":           {[]string{"<https://a.example/u%zz>, <https://a.example/v>"}, []string{oneClick}, "https://a.example/v"},
		"too long":                {[]string{"<https://a.example/" + strings.Repeat("x", 2000) + ">"}, []string{oneClick}, ""},
		"longest":                 {[]string{"<https://a.example/" + strings.Repeat("x", 1982) + ">"}, []string{oneClick}, "https://a.example/" + strings.Repeat("x", 1982)},
		"not ASCII":               {[]string{"<https://ä.example/>"}, []string{oneClick}, ""},
		"two addresses":           {[]string{"<mailto:a@a.example,b@a.example>"}, nil, ""},
		"two addresses by to":     {[]string{"<mailto:a@a.example?to=b@a.example>"}, nil, ""},
		"a bracket never closed":  {[]string{"<https://a.example/u, <mailto:u@a.example>"}, []string{oneClick}, "https://a.example/u"},
		"metadata of the machine": {[]string{"<http://169.254.169.254/latest/meta-data/>"}, []string{oneClick}, "http://169.254.169.254/latest/meta-data/"}, // refused when it is called
	} {
		t.Run(name, func(t *testing.T) {
			got, err := listunsub.Action(tt.unsubscribe, tt.post)
			if got != tt.want || (err == nil) != (tt.want != "") || err != nil && !errors.Is(err, listunsub.ErrNoAction) {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestParseMailto(t *testing.T) {
	for uri, want := range map[string]listunsub.Letter{
		"mailto:list-leave%2Btoken@a.example":                                {To: "list-leave+token@a.example"},
		"MAILTO:u@a.example?Subject=leave%20me&body=one%0D%0Atwo":            {To: "u@a.example", Subject: "leave me", Body: "one\r\ntwo"},
		"mailto:u@a.example?subject=a%0D%0ABcc:%20x@b.example":               {To: "u@a.example", Subject: "a  Bcc: x@b.example"},
		"mailto:u@a.example?cc=x@b.example&bcc=y@b.example&from=z@b.example": {To: "u@a.example"},
		"mailto:u@a.example?subject=1&subject=2#f":                           {To: "u@a.example", Subject: "1"},
	} {
		if got, err := listunsub.ParseMailto(uri); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", uri, got, err, want)
		}
	}
	for _, uri := range []string{"https://a.example", "mailto:", "mailto:a", "mailto:a@b.example,c@b.example", "mailto:%0d%0a@b.example", "mailto:<a@b.example>"} {
		if got, err := listunsub.ParseMailto(uri); err == nil {
			t.Errorf("%s: %+v", uri, got)
		}
	}
}

// Whatever a header holds, what comes out of it can be called.
func FuzzAction(f *testing.F) {
	f.Add("<https://a.example/u>, <mailto:u@a.example?subject=x>", "List-Unsubscribe=One-Click")
	f.Add("(c) <http://a\r\n .example/#x>", "List-Unsubscribe=One-Click")
	f.Add("<mailto:a%40b@c.example>", "")
	f.Fuzz(func(t *testing.T, unsubscribe, post string) {
		u, err := listunsub.Action([]string{unsubscribe}, []string{post})
		if err != nil {
			return
		}
		if len(u) > 2000 || strings.ContainsFunc(u, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.Contains(u, "#") && !strings.HasPrefix(u, "mailto:") {
			t.Errorf("%q", u)
		}
		again, err := listunsub.Action([]string{"<" + u + ">"}, []string{listunsub.PostValue})
		if err != nil || again != u {
			t.Errorf("%q, then %q, %v", u, again, err)
		}
		if strings.HasPrefix(u, "mailto:") {
			if l, err := listunsub.ParseMailto(u); err != nil || strings.ContainsAny(l.Subject+l.To, "\r\n") {
				t.Errorf("%q: %+v, %v", u, l, err)
			}
		}
	})
}
