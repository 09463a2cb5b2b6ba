package footer

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

var shots = flag.Bool("shots", false, "keep a picture of every page (with -artifacts)")

// serve gives out the decoded HTML parts, each in its charset, as a mail client
// shows them: no script runs.
func serve(t *testing.T, pages []judged) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(filepath.Base(r.URL.Path))
		if err != nil || n >= len(pages) {
			http.NotFound(w, r)
			return
		}
		kind := "text/html"
		if pages[n].Charset != "" {
			kind += "; charset=" + pages[n].Charset
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Security-Policy", "script-src 'none'; frame-src 'none'; object-src 'none'")
		content, err := os.ReadFile(pages[n].Page)
		if err != nil {
			t.Error(err)
		}
		w.Write(content)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// screens are what a person may have before them. The first message of a list
// says more, which matters where there is little room.
var screens = []struct {
	name  string
	width int64
	dark  bool
	forms string
}{{"desk", 1280, false, "usual"}, {"phone", 320, true, "usual, first"}}

// see opens every page on every screen it is for.
func see(t *testing.T, pages []judged) {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "seen.js"))
	if err != nil {
		t.Fatal(err)
	}
	question := fmt.Sprintf("(%s)(%q)", script, link)
	b, url := browser(t), serve(t, pages)
	for _, s := range screens {
		b.use(t, s.width, s.dark)
		if s.dark { // the checker takes most of the time, and finds the more there
			b.preload(t, axeCore(t))
		}
		for i, p := range pages {
			if !strings.Contains(s.forms, p.Form) {
				continue
			}
			ask(t, b, chromedp.Navigate(fmt.Sprintf("%s/%d", url, i)))
			faults := ask(t, b, chromedp.Evaluate[[]string](question, chromedp.EvalAwaitPromise))
			for _, f := range faults {
				t.Errorf("%s, %s, %s: %s", p.Name, p.Form, s.name, f)
			}
			if *shots || len(faults) > 0 {
				b.shot(t, p.Name+"-"+p.Form+"-"+s.name)
			}
		}
	}
}

// In every HTML part that gets it the line is seen: at the end, in colours that
// can be read, and the link works.
func TestTheLineIsSeen(t *testing.T) {
	var pages []judged
	for _, j := range judge(t, letters(t)) {
		if j.Page != "" && j.Form != "seven" {
			pages = append(pages, j)
		}
	}
	if len(pages) < 200 {
		t.Errorf("only %d pages", len(pages))
	}
	t.Logf("%d pages", len(pages))
	see(t, pages)
}
