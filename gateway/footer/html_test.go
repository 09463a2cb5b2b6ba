package footer

import (
	"strings"
	"testing"

	"offramp/store"
)

// Where the line goes: behind what the browser shows, with all that is open
// there closed.
func TestPlaceInHTML(t *testing.T) {
	for _, tt := range []struct{ name, source, closers, rest string }{
		{"end of body", "<body><p>x</p></body></html>", "", "</body></html>"},
		{"an end tag in a cell does nothing around its table", "<div><table><tr><td></div>x", "</td></tr></table></div>", ""},
		{"nor in a table", "<span><table></span>x", "</table></span>", ""},
		{"a cell of an outer table does not end in an inner one", "<div><table><tr><td><table></td></tr></div>x", "</table></td></tr></table></div>", ""},
		{"a row ends its cells", "<div><table><tr><td><b>x</tr></table></div>", "</b>", ""},
		{"a cell ends what is in it", "<table><tr><td><div><p>x</td>", "</tr></table>", ""},
		{"paragraphs without end tags", strings.Repeat("<p>x<b>y</b>", 300), "", ""},
		{"items without end tags", "<ul>" + strings.Repeat("<li><p>x", 300), "</li></ul>", ""},
		{"rows and cells without end tags", "<table>" + strings.Repeat("<tr><td>x<td><div>y", 300), "</div></td></tr></table>", ""},
		{"a table in a cell", "<table><tr><td><table><tr><td>x", "</td></tr></table></td></tr></table>", ""},
		{"an empty style in a drawing", "<body><svg><style/><path/></svg><p>x</p></body>", "", "</body>"},
		{"a style in a drawing holds tags", "<body><svg><style><rect></svg><p>x</p></body>", "", "</body>"},
		{"a style in HTML in a drawing holds none", "<svg><foreignObject><style></svg></style>x", "</foreignobject></svg>", ""},
		{"options without end tags", "<select>" + strings.Repeat("<option>x", 300), "</option></select>", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := readHTML([]byte(tt.source), "utf-8", "")
			if !got.fits || got.closers != tt.closers || tt.source[got.at:] != tt.rest {
				t.Errorf("at %q, closed by %q; want %q, %q", tt.source[got.at:], got.closers, tt.rest, tt.closers)
			}
		})
	}
}

// What is open is closed in lines that are not long, however much it is.
func TestClosersAreNotOneLine(t *testing.T) {
	source := ""
	for range maxClosers {
		source += "<blockquote>"
	}
	got := readHTML([]byte(source), "utf-8", "")
	if n := strings.Count(got.closers, "</blockquote>"); !got.fits || n != maxClosers {
		t.Errorf("%d are closed, want %d", n, maxClosers)
	}
	for line := range strings.Lines(got.closers) {
		if len(line) > closersWidth+2 {
			t.Errorf("a line of %d: %q", len(line), line)
		}
	}
}

// A page made to have much open at each of its tags gets no line, or one message
// keeps a core busy for half a minute. A large table gets it.
func TestLooksAreBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		source string
		fits   bool
	}{
		"end tags of nothing": {strings.Repeat("<b>", 500) + strings.Repeat("</i>", 100_000) + strings.Repeat("</b>", 500), false},
		"elements of a slash": {strings.Repeat("<b>", 500) + strings.Repeat("<u/></u>", 50_000) + strings.Repeat("</b>", 500), false},
		"a large table":       {strings.Repeat("<div>", 60) + "<table>" + strings.Repeat("<tr><td><p>x</p></td></tr>", 80_000), true},
	} {
		if got := readHTML([]byte(tt.source), "utf-8", ""); got.fits != tt.fits {
			t.Errorf("%s: fits is %v", name, got.fits)
		}
	}
}

// Text that a charset reads by shifts is ended before the line.
func TestHTMLEndsInJapanese(t *testing.T) {
	_, out := footed(t, newFooter(t, ""), store.List{ID: "news"}, "Content-Type: text/html; charset=iso-2022-jp\n\n<td>\x1b$B;T>l", false)
	if want := "<td>\x1b$B;T>l\x1b(B\n</td>\n<div "; !strings.Contains(out, want) {
		t.Errorf("got %q, want it to have %q", out, want)
	}
}
