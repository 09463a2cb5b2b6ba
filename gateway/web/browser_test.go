package web

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	protocol "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
)

// patience is the time that one page, key or question to the browser gets: a
// machine may be busy with other work, and a limit over a whole walk through
// every language would then fail it.
const patience = 2 * time.Minute

// tab is a tab of a Chromium with a profile of its own.
type tab struct {
	ctx   context.Context
	files chan string // what was downloaded

	mu         sync.Mutex
	complaints []string // what the browser wrote to its log
}

func browser(t *testing.T) *tab {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is not installed")
		}
		t.Skip("chromium is not installed")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("lang", "en-US"),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(patience),
	)
	b := &tab{files: make(chan string, 1)}
	alloc, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(alloc, chromedp.WithListener(b.listen))
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	b.ctx = ctx
	call(t, b, cdplog.Enable, cdp.Empty{})
	return b
}

// listen records what the browser reports about the tab.
func (b *tab) listen(ev any) {
	switch e := ev.(type) {
	case *cdplog.EventEntryAdded:
		if !strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.complaints = append(b.complaints, e.Entry.Text)
		}
	case *protocol.EventDownloadProgress:
		if e.State == protocol.DownloadProgressStateCompleted {
			b.files <- e.GUID
		}
	}
}

// wantNoComplaints fails with what the browser complained about but for the
// answers named, such as "404".
func (b *tab) wantNoComplaints(t *testing.T, but ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, c := range b.complaints {
		for _, known := range but {
			if strings.Contains(c, known) {
				continue next
			}
		}
		t.Errorf("the browser complains: %s", c)
	}
	b.complaints = nil
}

// run has the tab do one thing, within its own time.
func run[T any](b *tab, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, action)
}

func (b *tab) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if _, err := run(b, chromedp.Steps(steps...)); err != nil {
		t.Fatal(err)
	}
}

func call[P, R any](t *testing.T, b *tab, cmd cdp.Command[P, R], params P) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, cmd, params); err != nil {
		t.Fatal(err)
	}
}

// evaluate asks the browser; that works where the page's scripts are off, too.
func evaluate[T any](t *testing.T, b *tab, script string) T {
	t.Helper()
	v, err := run(b, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%v: %.200s", err, script)
	}
	return v
}

// screen is what a person has before them.
type screen struct {
	Name          string
	Width, Height int64
	Dark          bool
	ScriptsOff    bool
}

// use makes the tab one on that screen.
func (b *tab) use(t *testing.T, s screen) {
	t.Helper()
	scheme := "light"
	if s.Dark {
		scheme = "dark"
	}
	b.do(t, chromedp.EmulateViewport(s.Width, s.Height))
	call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	call(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: s.ScriptsOff})
}

// visit opens a page; it was loaded when visit returns.
func (b *tab) visit(t *testing.T, url string) {
	t.Helper()
	b.do(t, chromedp.Navigate(url))
}

// settle waits until a frame was drawn, so that every script a page could hold
// had its turn.
func (b *tab) settle(t *testing.T) {
	t.Helper()
	evaluate[chromedp.Void](t, b, `new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))`)
}

// pictured says whether somebody will look at the pictures.
func pictured() bool { return flag.Lookup("test.artifacts").Value.String() == "true" }

// shot keeps a picture for people; go test -artifacts says where.
func (b *tab) shot(t *testing.T, name string) {
	t.Helper()
	if !pictured() {
		return
	}
	png, err := run(b, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}
