package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every text of the page is said somewhere: by its key, or by one that begins
// so and ends with what is known only then.
func TestEveryTextIsSaid(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	said := func(key string) bool {
		if strings.Contains(source.String(), `"`+key+`"`) {
			return true
		}
		begin := key[:strings.LastIndexByte(key, '.')+1]
		return begin != "page." && strings.Contains(source.String(), `"`+begin+`"`)
	}
	for _, key := range newWorld(t).site.Texts.Keys() {
		if strings.HasPrefix(key, "page.") && !said(key) {
			t.Errorf("no page says %q", key)
		}
	}
}
