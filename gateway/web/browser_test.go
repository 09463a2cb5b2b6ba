package web

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/listunsub"
	"offramp/store"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tab is a tab of a Chromium with scripts on and a profile of its own.
type tab struct {
	ctx context.Context

	mu         sync.Mutex
	complaints []string // what the browser wrote to its log
}

func browser(t *testing.T) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is not installed")
		}
		t.Skip("chromium is not installed")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true),
	)
	b := new(tab)
	listen := func(ev any) {
		e, ok := ev.(*cdplog.EventEntryAdded)
		if !ok || strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaints = append(b.complaints, e.Entry.Text)
	}
	limited, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	alloc, stop := chromedp.NewExecAllocator(limited, options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(alloc, chromedp.WithListener(listen))
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	b.ctx = ctx
	call(t, b, cdplog.Enable, cdp.Empty{})
	return b
}

func (b *tab) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func evaluate[T any](t *testing.T, b *tab, script string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// visit opens a page and waits until a frame was drawn after loading, so that
// every script a page could hold had its turn.
func (b *tab) visit(t *testing.T, url string) {
	t.Helper()
	b.do(t, chromedp.Navigate(url))
	evaluate[chromedp.Void](t, b, `new Promise(done => {
		const drawn = () => requestAnimationFrame(() => setTimeout(done, 0));
		document.readyState === "complete" ? drawn() : addEventListener("load", drawn);
	})`)
}

// press moves to the page's button with the Tab key alone and presses Enter,
// after looking whether the focus can be seen.
func (b *tab) press(t *testing.T, button, wantHeading string) {
	t.Helper()
	b.do(t, chromedp.KeyEvent(kb.Tab))
	focus := evaluate[struct{ Name, Text, Outline string }](t, b, `(e => ({Name: e.nodeName, Text: e.textContent,
		Outline: getComputedStyle(e).outlineStyle + " " + getComputedStyle(e).outlineWidth}))(document.activeElement)`)
	if focus.Name != "BUTTON" || focus.Text != button || focus.Outline != "solid 3px" {
		t.Fatalf("after Tab the focus is on %+v", focus)
	}
	if _, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent(kb.Enter)); err != nil {
		t.Fatal(err)
	}
	if got := evaluate[string](t, b, `document.querySelector("h1").textContent`); got != wantHeading {
		t.Fatalf("heading %q, want %q", got, wantHeading)
	}
}

// shot keeps a picture for people; go test -artifacts says where.
func (b *tab) shot(t *testing.T, dir, name string) {
	t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	w := newWorld(t)
	b := browser(t)
	base := "http://" + w.serve()
	shots := t.ArtifactDir()

	t.Run("a visit with scripts changes nothing", func(t *testing.T) {
		for _, p := range []listunsub.Purpose{listunsub.HeaderLink, listunsub.BodyLink} {
			b.visit(t, base+w.link(p))
			b.visit(t, base+w.link(p))
		}
		if got := w.made(); len(got) != 0 {
			t.Errorf("changes %q", got)
		}
		if n := w.site.Stats.Shown.Load(); n < 4 {
			t.Errorf("page shown %d times", n)
		}
	})
	t.Run("keyboard alone", func(t *testing.T) {
		b.visit(t, base+w.link(listunsub.BodyLink))
		b.shot(t, shots, "on")
		b.press(t, "Unsubscribe", "You are off the list")
		b.shot(t, shots, "left")
		if got := w.made(); !slices.Equal(got, []string{outPage}) {
			t.Fatalf("changes %q", got)
		}
		b.press(t, "Undo: keep sending me this mail", "You are on the list again")
		b.shot(t, shots, "undone")
		if got := w.made(); !slices.Equal(got, []string{outPage, backPage}) {
			t.Errorf("changes %q", got)
		}
	})
	t.Run("small and dark", func(t *testing.T) {
		w.mu.Lock()
		w.lists[news] = store.List{ID: news, Name: strings.Repeat("Donaudampfschifffahrt", 6), Description: "One sentence about it that is long enough to need several lines on a telephone."}
		w.mu.Unlock()
		b.do(t, chromedp.EmulateViewport(320, 640))
		call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
		for name, path := range map[string]string{"small-dark": w.link(listunsub.HeaderLink), "small-dark-wrong": "/u/" + strings.Repeat("wrong", 60)} {
			b.visit(t, base+path)
			page := evaluate[struct {
				Width, Button float64
				Ground        string
			}](t, b, `({Width: document.documentElement.scrollWidth, Button: document.querySelector("button")?.getBoundingClientRect().height ?? 99,
				Ground: getComputedStyle(document.body).backgroundColor})`)
			if page.Width > 320 || page.Button < 44 || page.Ground != "rgb(20, 23, 26)" {
				t.Errorf("%s: %+v", name, page)
			}
			b.shot(t, shots, name)
		}
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		// The wrong link's own 404 is the one thing a browser may mention.
		if !strings.Contains(c, "404") {
			t.Errorf("the browser complains: %s", c)
		}
	}
}

func call[P, R any](t *testing.T, b *tab, cmd cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(b.ctx, cmd, params); err != nil {
		t.Fatal(err)
	}
}
