package powerloss_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offramp/store/powerloss"
)

// states returns the different states after steps, each as text: name, size,
// and the letters that are in the file with how often each is.
func states(steps []powerloss.Step) []string {
	disk, random := powerloss.NewDisk(), rand.New(rand.NewPCG(1, 2))
	for _, s := range steps {
		disk.Apply(s)
	}
	seen := map[string]bool{}
	for range 3000 {
		text := ""
		files := disk.Crash(random)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			text += fmt.Sprintf("%s %d", name, len(files[name]))
			for _, letter := range []byte{'a', 'b'} {
				if n := bytes.Count(files[name], []byte{letter}); n > 0 {
					text += fmt.Sprintf(" %d%c", n, letter)
				}
			}
			text += ";"
		}
		seen[text] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// What a loss of power may leave, where sectors are whole or torn in one place.
func TestCrash(t *testing.T) {
	const s = powerloss.Sector
	step := func(k powerloss.Kind, file string, at int, data ...byte) powerloss.Step {
		return powerloss.Step{Kind: k, File: file, At: int64(at), Data: data}
	}
	write := func(file string, at, sectors int, letter byte) powerloss.Step {
		return step(powerloss.Write, file, at*s, bytes.Repeat([]byte{letter}, sectors*s)...)
	}
	made := []powerloss.Step{write("f", 0, 2, 'a'), step(powerloss.SyncBoth, "f", 0)}
	for name, tt := range map[string]struct {
		steps []powerloss.Step
		want  []string // all of them, tears left out
	}{
		"synced": {steps: made, want: []string{"f 1024 1024a;"}},
		"name not synced": {
			steps: []powerloss.Step{write("f", 0, 1, 'a'), step(powerloss.Sync, "f", 0)},
			want:  []string{"", "f 512 512a;"},
		},
		"written over": {
			steps: append(slices.Clone(made), write("f", 0, 1, 'b')),
			want:  []string{"f 1024 1024a;", "f 1024 512a 512b;"},
		},
		"grown: size and contents apart": {
			steps: append(slices.Clone(made), write("f", 2, 1, 'b')),
			want:  []string{"f 1024 1024a;", "f 1536 1024a 512b;", "f 1536 1024a;"},
		},
		"cut": {
			steps: append(slices.Clone(made), step(powerloss.Truncate, "f", s)),
			want:  []string{"f 1024 1024a;", "f 512 512a;"},
		},
		"cut and grown: what grew needs the cut": {
			steps: append(slices.Clone(made), step(powerloss.Truncate, "f", 0), write("f", 0, 1, 'b')),
			want:  []string{"f 0;", "f 1024 1024a;", "f 512 512b;", "f 512;"},
		},
		"deleted": {
			steps: append(slices.Clone(made), step(powerloss.Delete, "f", 0)),
			want:  []string{"", "f 1024 1024a;"},
		},
		"deleted and synced": {steps: append(slices.Clone(made), step(powerloss.DeleteBoth, "f", 0)), want: []string{""}},
		"names come in their order": {
			steps: []powerloss.Step{step(powerloss.Open, "f", 0), step(powerloss.Open, "g", 0)},
			want:  []string{"", "f 0;", "f 0;g 0;"},
		},
		"a sync of another file is none of this": {
			steps: append(slices.Clone(made), write("f", 0, 1, 'b'), step(powerloss.Open, "g", 0), step(powerloss.SyncBoth, "g", 0)),
			want:  []string{"f 1024 1024a;g 0;", "f 1024 512a 512b;g 0;"},
		},
		"a folder that was synced has contents that were not": {
			steps: []powerloss.Step{write("f", 0, 1, 'a'), step(powerloss.Open, "g", 0), step(powerloss.SyncBoth, "g", 0)},
			want:  []string{"f 0;g 0;", "f 512 512a;g 0;", "f 512;g 0;"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := slices.DeleteFunc(states(tt.steps), torn)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	if !slices.ContainsFunc(states(append(slices.Clone(made), write("f", 0, 1, 'b'))), torn) {
		t.Error("no sector is torn")
	}
}

// torn says whether some sector in a text of states is new in part.
func torn(text string) bool {
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ';' }) {
		var n int
		var letter byte
		if _, err := fmt.Sscanf(field, "%d%c", &n, &letter); err == nil && n%powerloss.Sector != 0 {
			return true
		}
	}
	return false
}
