package diagnosis

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the results into testdata")

// golden is what is kept of a report.
type golden struct {
	Findings     []Finding `json:"findings"`
	Returned     string    `json:"returned_message_id"`
	ReturnedText string    `json:"returned_text"`
	Text         string    `json:"text"`
}

// TestCases: each file begins with X-Case, which gives kind and class of every
// finding and says why the case is there. The rest is compared with the golden
// file beside it.
func TestCases(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.eml"))
	if err != nil || len(files) < 40 {
		t.Fatal("too few cases", len(files), err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".eml"), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want, why, ok := strings.Cut(Read(raw, false).Header.Get("X-Case"), " - ")
			if !ok || why == "" {
				t.Fatal("X-Case does not say what is expected and why")
			}
			r := Read(raw, false)
			var got []string
			for _, f := range r.Findings {
				verdict := string(f.Kind)
				if f.Class != "" {
					verdict += "/" + string(f.Class)
				}
				got = append(got, verdict)
			}
			if all := strings.Join(got, ","); all != want {
				t.Errorf("%s, want %s: %+v", all, want, r.Findings)
			}
			compareGolden(t, strings.TrimSuffix(name, ".eml")+".json", golden{r.Findings, r.Returned.Get("Message-ID"), clip(r.ReturnedText, 200), clip(r.Text, 200)})
		})
	}
}

func compareGolden(t *testing.T, name string, g golden) {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(g); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err, "(run with -update)")
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
