package sqlite

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"offramp/store/powerloss"
)

var torture = flag.Bool("torture", false, "run the trials at full length")

// memoryDir is a folder in memory, where there is one: what is tested is what
// a disk may hold, not a disk.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "offramp-power-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// powerState is one state of the files, with what was promised before it.
type powerState struct {
	step     int
	files    map[string][]byte
	promised powerPromises
}

// powerStates calls each with wanted states after prefixes of steps, in the
// order of the prefixes; with fewer where there is only one state to be in.
func powerStates(steps []powerloss.Step, wanted int, random *rand.Rand, each func(powerState) (more bool)) {
	disk, promised := powerloss.NewDisk(), powerPromises{}
	for i, s := range steps {
		if n, ok := s.Note.(powerNote); ok {
			promised.take(n)
		}
		disk.Apply(s)
		states := (i+1)*wanted/len(steps) - i*wanted/len(steps)
		if !disk.Pending() {
			states = min(states, 1)
		}
		for range states {
			files := disk.Crash(random)
			staleIndex(files, random)
			if !each(powerState{step: i, files: files, promised: promised.clone()}) {
				return
			}
		}
	}
}

// staleIndex adds what may be left of the shared index of a log, which nobody
// syncs: anything, in a file that is there or not.
func staleIndex(files map[string][]byte, random *rand.Rand) {
	for _, name := range []string{consentFile, spoolFile} {
		if random.IntN(2) == 0 {
			index := make([]byte, 32<<10)
			for i := range random.IntN(len(index)) {
				index[i] = byte(random.Uint32())
			}
			files[name+"-shm"] = index
		}
	}
}

// checkStates builds and checks wanted states, and returns what was wrong with
// some of them: it ends after the first.
func checkStates(dir string, steps []powerloss.Step, wanted int, random *rand.Rand) (checked int, err error) {
	var mu sync.Mutex
	var workers sync.WaitGroup
	states := make(chan powerState)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for s := range states {
				wrong := checkPower(filepath.Join(dir, fmt.Sprint("state", s.step, "-", time.Now().UnixNano())), s.files, s.promised)
				mu.Lock()
				checked++
				if wrong != nil && err == nil {
					err = fmt.Errorf("power fails after step %d of %d: %w", s.step, len(steps), wrong)
				}
				mu.Unlock()
			}
		})
	}
	powerStates(steps, wanted, random, func(s powerState) bool {
		states <- s
		mu.Lock()
		defer mu.Unlock()
		return err == nil
	})
	close(states)
	workers.Wait()
	return checked, err
}

// TestTorturePowerLoss: whatever part of what was not synced a loss of power
// leaves on the disk, what was answered is there and nothing was invented.
func TestTorturePowerLoss(t *testing.T) {
	rounds, starting, working := 1, 100, 400
	if *torture {
		rounds, starting, working = 10, 2000, 10_000
	}
	seed := uint64(time.Now().UnixNano())
	total := 0
	for round := range rounds {
		dir := memoryDir(t)
		work := powerWork{dir: filepath.Join(dir, "data"), seed: seed + uint64(round), sessions: 2, each: 60}
		steps := work.record(t)
		first := slices.IndexFunc(steps, func(s powerloss.Step) bool { return s.Kind == powerloss.Note })
		random := rand.New(rand.NewPCG(work.seed, 0))
		// Few steps make the files, and they are made once.
		started, err := checkStates(dir, steps[:first], starting, random)
		if err != nil {
			t.Fatalf("seed %d, first start: %v", work.seed, err)
		}
		checked, err := checkStates(dir, steps, working, random)
		if err != nil {
			t.Fatalf("seed %d: %v", work.seed, err)
		}
		total += started + checked
		t.Logf("%d states after %d steps: %v", started+checked, len(steps), countSteps(steps))
	}
	t.Logf("%d states in %d recordings from seed %d", total, rounds, seed)
	if total < rounds*(starting+working)/2 {
		t.Error("too few states were checked")
	}
}

// countSteps says what a recording consists of.
func countSteps(steps []powerloss.Step) map[string]int {
	names := []string{"open", "write", "truncate", "sync", "sync with folder", "delete", "delete with folder", "note"}
	n := map[string]int{}
	for _, s := range steps {
		n[names[s.Kind]]++
	}
	return n
}

// TestPowerLossIsFound: the test above finds a store that does not keep its
// promise.
func TestPowerLossIsFound(t *testing.T) {
	for name, defect := range map[string]powerWork{
		"nothing of people is synced":      {hurt: map[string]string{consentFile: "PRAGMA synchronous = OFF"}},
		"commits of people, not synced":    {hurt: map[string]string{consentFile: "PRAGMA synchronous = NORMAL"}},
		"nothing of the spool is synced":   {hurt: map[string]string{spoolFile: "PRAGMA synchronous = OFF"}},
		"commits of the spool, not synced": {hurt: map[string]string{spoolFile: "PRAGMA synchronous = NORMAL"}},
		"answered before it is on disk":    {early: true},
		"erased and not scrubbed":          {unscrubbed: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := memoryDir(t)
			defect.dir, defect.seed, defect.sessions, defect.each = filepath.Join(dir, "data"), 1, 1, 40
			checked, err := checkStates(dir, defect.record(t), 300, rand.New(rand.NewPCG(1, 1)))
			if err == nil {
				t.Fatalf("not found in %d states", checked)
			}
			t.Logf("found in %d states: %v", checked, err)
		})
	}
}

// A disk that does not sync is found even where all that SQLite does is right.
func TestPowerLossWithoutSync(t *testing.T) {
	dir := memoryDir(t)
	work := powerWork{dir: filepath.Join(dir, "data"), seed: 1, sessions: 1, each: 40}
	steps := slices.DeleteFunc(work.record(t), func(s powerloss.Step) bool { return s.Kind == powerloss.Sync })
	if checked, err := checkStates(dir, steps, 300, rand.New(rand.NewPCG(1, 1))); err == nil {
		t.Fatalf("not found in %d states", checked)
	}
}

// TestMadeInPart: the journal of a file that was being made is on the disk, and
// of the file itself only the size. Its pages are of the chosen size all the same.
func TestMadeInPart(t *testing.T) {
	for _, name := range []string{consentFile, spoolFile} {
		dir := memoryDir(t)
		steps := powerWork{dir: filepath.Join(dir, "data"), sessions: 1}.record(t)
		disk, random := powerloss.NewDisk(), rand.New(rand.NewPCG(1, 1))
		for _, s := range steps {
			if disk.Apply(s); s.Kind == powerloss.Write && s.File == name {
				break
			}
		}
		files := disk.Crash(random)
		for tries := 0; len(files[name]) == 0 || slices.Max(files[name]) > 0 || len(files[name+"-journal"]) == 0; tries++ {
			if files = disk.Crash(random); tries == 10_000 {
				t.Fatalf("%s is never made in part", name)
			}
		}
		if err := checkPower(filepath.Join(dir, "state"), files, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
