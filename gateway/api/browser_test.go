package api

import (
	"context"
	"flag"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
)

// patience is the time that one question to the browser gets.
const patience = 2 * time.Minute

// tab is a tab of a Chromium with a profile of its own.
type tab struct {
	ctx        context.Context
	mu         sync.Mutex
	complaints []string // what the browser wrote to its log
}

func browser(t *testing.T) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if testing.Short() || err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is not installed")
		}
		t.Skip("starts chromium, where it is installed")
	}
	b := &tab{}
	alloc, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("lang", "en-US"), chromedp.WSURLReadTimeout(patience))...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(alloc, chromedp.WithListener(func(ev any) {
		if e, ok := ev.(*cdplog.EventEntryAdded); ok && !strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.complaints = append(b.complaints, e.Entry.Text)
		}
	}))
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	b.ctx = ctx
	command(t, b, cdplog.Enable, cdp.Empty{})
	return b
}

func command[P, R any](t *testing.T, b *tab, cmd cdp.Command[P, R], params P) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, cmd, params); err != nil {
		t.Fatal(err)
	}
}

func do[T any](t *testing.T, b *tab, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// axe-core with every rule of WCAG 2.2 up to AA, and its best practices.
const runAxe = `axe.run({runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}, resultTypes: ["violations"]})
	.then(r => r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.target.join(" ")).slice(0, 3).join(", ")))`

// The documentation needs nothing from elsewhere and no script, keeps within its
// policy, fits the screen, and axe-core finds nothing. The pictures of
// go test -artifacts are for people.
func TestDocsInBrowser(t *testing.T) {
	b := browser(t)
	srv := httptest.NewServer(newWorld(t).api.Handler())
	t.Cleanup(srv.Close)
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("AXE_CORE")
	if path == "" {
		path = filepath.Join(home, ".cache/offramp-tests/node_modules/axe-core/axe.min.js")
	}
	axe, err := os.ReadFile(path)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("axe-core is not installed: %v", err)
	}
	type screen struct {
		name, scheme  string
		width, height int64
	}
	screens := []screen{{"desk", "light", 1280, 900}, {"small-phone-dark", "dark", 320, 640}}
	pictured := flag.Lookup("test.artifacts").Value.String() == "true"
	if pictured {
		screens = append(screens, screen{"desk-dark", "dark", 1280, 900}, screen{"phone", "light", 390, 844})
	}
	for _, s := range screens {
		command(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		do(t, b, chromedp.EmulateViewport(s.width, s.height))
		command(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}}})
		do(t, b, chromedp.Navigate(srv.URL+"/api/v1/docs"))
		if n := do(t, b, chromedp.Evaluate[int](`document.querySelectorAll("article").length`)); n < 30 {
			t.Errorf("%s: %d routes and records", s.name, n)
		}
		if wide := do(t, b, chromedp.Evaluate[float64](`document.documentElement.scrollWidth - innerWidth`)); wide > 0 {
			t.Errorf("%s: must be moved sideways by %v px", s.name, wide)
		}
		if n := do(t, b, chromedp.Evaluate[int](`Array.from(document.querySelectorAll("a[href^='#']")).filter(a => !document.getElementById(a.getAttribute("href").slice(1))).length`)); n > 0 {
			t.Errorf("%s: %d links lead nowhere", s.name, n)
		}
		if pictured {
			if err := os.WriteFile(filepath.Join(t.ArtifactDir(), s.name+".png"), do(t, b, chromedp.FullScreenshot(100)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if len(axe) == 0 {
			continue
		}
		command(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{})
		for _, found := range do(t, b, chromedp.Evaluate[[]string](string(axe)+";\n"+runAxe, chromedp.EvalAwaitPromise)) {
			t.Errorf("%s: %s", s.name, found)
		}
	}
	if len(b.complaints) > 0 {
		t.Errorf("the browser complains: %q", b.complaints)
	}
}
