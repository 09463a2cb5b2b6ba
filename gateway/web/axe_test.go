package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// violation is what axe-core found against a rule.
type violation struct {
	ID, Help string
	Targets  []string
}

// axe-core with every rule of WCAG 2.2 up to AA, and its best practices.
const runAxe = `axe.run({runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}, resultTypes: ["violations"]})
	.then(r => ({Passes: r.passes.length, Found: r.violations.map(v => ({ID: v.id, Help: v.help, Targets: v.nodes.map(n => n.target.join(" ") + ": " + n.failureSummary)}))}))`

// axeCore is the script of the checker.
func axeCore(t *testing.T) string {
	t.Helper()
	path := os.Getenv("AXE_CORE")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(home, ".cache/offramp-tests/node_modules/axe-core/axe.min.js")
	}
	script, err := os.ReadFile(path)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("axe-core is not installed: %v", err)
		}
		t.Skipf("axe-core is not installed (make deps does): %v", err)
	}
	return string(script)
}

// Every page as assistive software meets it: on a desk in light colours and on a
// telephone in dark ones. With -torture in every language; else in English, and
// on a telephone in those that differ most, in length and in direction.
func TestAxeFindsNothing(t *testing.T) {
	script := axeCore(t)
	b := browser(t)
	tags := []string{"en", "de", "ar"}
	if *torture || pictured() {
		tags = languages(t)
	}
	for _, lang := range tags {
		pages, policies := everyPage(t, lang)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name := strings.ReplaceAll(strings.TrimPrefix(r.URL.Path, "/"), "-", " ")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", policies[name])
			fmt.Fprint(w, pages[name])
		}))
		t.Cleanup(srv.Close)
		screens := []screen{{Name: "desk", Width: 1280, Height: 900}, {Name: "phone", Width: 320, Height: 640, Dark: true}}
		if pictured() {
			screens = append(screens, screen{Name: "desk-dark", Width: 1280, Height: 900, Dark: true}, screen{Name: "phone-light", Width: 390, Height: 844})
		}
		if lang != "en" && !*torture && !pictured() {
			screens = screens[1:]
		}
		for _, s := range screens {
			t.Run(lang+"-"+s.Name, func(t *testing.T) {
				b.use(t, s)
				for _, name := range slices.Sorted(maps.Keys(pages)) {
					b.visit(t, srv.URL+"/"+strings.ReplaceAll(name, " ", "-"))
					b.check(t, name, script)
					b.shot(t, strings.ReplaceAll(name, " ", "-"))
				}
			})
		}
	}
	b.wantNoComplaints(t)
}

// check runs the checker on the page that is open.
func (b *tab) check(t *testing.T, name, script string) {
	t.Helper()
	got, err := run(b, chromedp.Evaluate[struct {
		Passes int
		Found  []violation
	}](script+";\n"+runAxe, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if got.Passes < 10 {
		t.Errorf("%s: only %d rules were looked at", name, got.Passes)
	}
	for _, v := range got.Found {
		t.Errorf("%s: %s (%s): %q", name, v.Help, v.ID, v.Targets)
	}
	if n := evaluate[int](t, b, `Array.from(document.querySelectorAll("[aria-invalid]")).filter(e => getComputedStyle(e).borderTopWidth !== "2px").length`); n > 0 {
		t.Errorf("%s: %d fields that are to be corrected do not look so", name, n)
	}
	if width := evaluate[float64](t, b, `document.documentElement.scrollWidth - innerWidth`); width > 0 {
		t.Errorf("%s: must be moved sideways by %v px", name, width)
	}
}
