package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"offramp/store"
)

// flipOutcome is what a store with one flipped bit did.
type flipOutcome struct {
	sent    map[string]bool // person and list
	opened  bool
	alarm   bool // an error, a person who waits, or damage that is told
	harm    []string
	waiting int
	due     []string // messages by what the queue says of them
}

// ask opens the store and asks for everybody, as a delivery does.
func ask(ctx context.Context, dir string) (f flipOutcome) {
	f.sent = map[string]bool{}
	db, err := Open(ctx, Options{Dir: dir, PersonKey: testKey, Readers: 1})
	if err != nil {
		f.alarm = true
		return f
	}
	f.opened = true
	defer func() {
		if err := db.Close(); err != nil {
			f.alarm = true
		}
	}()
	c := db.Consent()
	short, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if c.Verified(short) != nil {
		f.alarm = true // deliveries wait
		return f
	}
	if i := c.Integrity(); i.Damage != "" {
		f.alarm = true
	}
	if stream, err := c.EarlierStream(ctx); err != nil {
		f.alarm = true
		return f // the server does not start
	} else if stream != "list" {
		f.harm = append(f.harm, fmt.Sprintf("earlier stream %q", stream))
	}
	for i := range flipPeople {
		for _, list := range flipLists {
			f.one(ctx, c, flipPerson(i), list, fmt.Sprint(i, list), flipLeft(i, list))
		}
	}
	select {
	case <-db.spool.inspection.ended:
	case <-short.Done():
		f.harm = append(f.harm, "the queue's file is not examined")
	}
	f.queue(ctx, db)
	if i := db.Spool().Integrity(); i.Damage != "" {
		f.alarm = true
	}
	return f
}

// one asks for one person and what the mail says its list is.
func (f *flipOutcome) one(ctx context.Context, c *Consent, address, list, what string, left bool) {
	sends, err := sends(ctx, c, address, list)
	switch {
	case err != nil:
		f.alarm = true
		f.waiting++
	case sends && left:
		f.harm = append(f.harm, what)
	case sends:
		f.sent[what] = true
	}
}

// sends is the verdict as package consent gives it, without limits.
func sends(ctx context.Context, c *Consent, address, list string) (bool, error) {
	l, err := c.List(ctx, list)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	if l.Transactional {
		return true, nil
	}
	st, err := c.Standing(ctx, address, list)
	if err != nil {
		return false, err
	}
	if st.Unverified {
		return false, store.ErrUnavailable
	}
	for _, s := range st.Suppressions {
		if !s.Over(time.Now()) {
			return false, nil
		}
	}
	for _, ch := range st.Choices {
		if at := ch.At(time.Now()); at != store.Subscribed && at != store.Limited {
			return false, nil
		}
	}
	return !st.Sharing.Refused || !l.ThirdParty, nil
}

// queue sends what waits, by what the queue says it is; what it really is stands
// in its body.
func (f *flipOutcome) queue(ctx context.Context, db *DB) {
	jobs, err := db.Spool().Lease(ctx, time.Now(), 2*flipMessages, nil)
	if err != nil {
		f.alarm = true
		return
	}
	for _, j := range jobs {
		m := j.Message
		f.due = append(f.due, m.ID+" "+m.List+" "+j.Recipient.Address+" "+j.Recipient.Domain)
		body, err := db.Spool().Body(ctx, m.ID)
		if err != nil {
			f.alarm = true
			continue
		}
		text, err := io.ReadAll(body)
		if err = errors.Join(err, body.Close()); err != nil {
			f.alarm = true
			continue
		}
		n := 0
		if _, err := fmt.Sscanf(string(text), "message %d", &n); err != nil || n >= flipMessages {
			continue
		}
		list, left := flipLists[n%len(flipLists)], false
		for i := range flipPeople {
			if flipPerson(i) == j.Recipient.Address {
				left = flipLeft(i, list)
			}
		}
		if m.List == "" {
			if left {
				f.harm = append(f.harm, fmt.Sprintf("message %d is of no list", n))
			}
			continue
		}
		f.one(ctx, db.Consent(), j.Recipient.Address, m.List, fmt.Sprintf("message %d of %s, as of %s, to %s", n, list, m.List, j.Recipient.Address), left)
	}
}

var (
	flipsPerPage = flag.Int("flips", 8, "how many bits of each page are flipped, one at a time")
	flipSeed     = flag.Uint64("flipseed", 11, "which bits those are")
)

// tortured says whether trials run at full length (flag -torture).
func tortured() bool {
	f := flag.Lookup("torture")
	return f != nil && f.Value.String() == "true"
}

// flip is one bit of one octet.
type flip struct {
	file   string
	at     int
	bit    byte
	unused bool
}

// flipsOf are one bit of each octet of a database; without -torture some of each
// page.
func flipsOf(name string, data []byte, random *rand.Rand) (all []flip) {
	size := int(binary.BigEndian.Uint16(data[16:]))
	each := min(*flipsPerPage, size)
	if tortured() {
		each = size
	}
	for page := 0; page+size <= len(data); page += size {
		from, to := unusedIn(data[page:page+size], page == 0)
		at := random.Perm(size)[:each]
		if !tortured() && from < to { // most pages are mostly empty
			at = at[:each/3]
			for range each - each/3 {
				if used := size - (to - from); used > 0 {
					if n := random.IntN(used); n < from {
						at = append(at, n)
					} else {
						at = append(at, n+to-from)
					}
				}
			}
		}
		for _, n := range at {
			all = append(all, flip{name, page + n, 1 << random.IntN(8), n >= from && n < to})
		}
	}
	return all
}

// unusedIn is the gap of a page of a b-tree between its pointers and its cells
// (SQLite's file format, section 1.6).
func unusedIn(page []byte, first bool) (from, to int) {
	h := 0
	if first {
		h = 100
	}
	size := 8
	switch page[h] {
	case 2, 5:
		size = 12
	case 10, 13:
	default:
		return 0, 0
	}
	cells := int(binary.BigEndian.Uint16(page[h+3:]))
	content := int(binary.BigEndian.Uint16(page[h+5:]))
	return h + size + 2*cells, content
}

// No flipped bit has anybody who left sent mail, nor mail lost or sent to somebody
// else that nothing tells of.
func TestTortureFlippedBits(t *testing.T) {
	clean := t.TempDir()
	flipStore(t, clean)
	addEarlierStream(t, clean)
	ctx := context.Background()
	whole := map[string][]byte{}
	random := rand.New(rand.NewPCG(7, *flipSeed))
	var flips []flip
	for _, name := range []string{consentFile, spoolFile} {
		data, err := os.ReadFile(filepath.Join(clean, name))
		must(t, err)
		whole[name] = data
		flips = append(flips, flipsOf(name, data, random)...)
	}
	want := ask(ctx, clean)
	if len(want.harm) > 0 || want.alarm || len(want.sent) < 60 {
		t.Fatalf("without damage %+v", want)
	}
	var mu sync.Mutex
	counts := map[string]int{}
	work := make(chan flip)
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			dir := filepath.Join(t.TempDir(), fmt.Sprint(w))
			for f := range work {
				got, err := askFlipped(ctx, dir, whole, f)
				mu.Lock()
				countFlip(t, counts, f, want, got, err)
				mu.Unlock()
			}
		})
	}
	// In no order, so that a trial that is cut short has tried some of everything.
	random.Shuffle(len(flips), func(i, j int) { flips[i], flips[j] = flips[j], flips[i] })
	for i, f := range flips {
		if work <- f; i%5000 == 4999 {
			t.Logf("%d of %d flips", i+1, len(flips))
		}
	}
	close(work)
	workers.Wait()
	t.Logf("%d flips: %v", len(flips), counts)
	if counts["unused, served"]*100 < 95*counts["unused"] {
		t.Errorf("only %d of %d flips where nothing is stored still serve", counts["unused, served"], counts["unused"])
	}
}

func countFlip(t *testing.T, counts map[string]int, f flip, want, got flipOutcome, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return
	}
	if len(got.harm) > 0 {
		counts[f.file+" harm"]++
		t.Errorf("%s, octet %d, bit %02x: sent to who left: %v (alarm: %v)", f.file, f.at, f.bit, got.harm, got.alarm)
	}
	served := got.opened && got.waiting == 0 && len(got.sent) >= len(want.sent)
	switch {
	case got.alarm:
		counts[f.file+" alarm"]++
	case served:
		counts[f.file+" no effect"]++
	default:
		counts[f.file+" silent"]++
	}
	if !got.alarm && !slices.Equal(slices.Sorted(slices.Values(got.due)), slices.Sorted(slices.Values(want.due))) {
		counts[f.file+" changed"]++
		t.Errorf("%s, octet %d, bit %02x: other mail is due, and nothing says so: %v", f.file, f.at, f.bit, differing(want.due, got.due))
	}
	if served {
		counts[f.file+" served"]++
	}
	if f.unused {
		counts["unused"]++
		if served && !got.alarm {
			counts["unused, served"]++
		}
	}
}

// differing is what only one of two lists has.
func differing(a, b []string) (all []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			all = append(all, "-"+s)
		}
	}
	for _, s := range b {
		if !slices.Contains(a, s) {
			all = append(all, "+"+s)
		}
	}
	return all
}

func askFlipped(ctx context.Context, dir string, whole map[string][]byte, f flip) (flipOutcome, error) {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return flipOutcome{}, err
	}
	for name, data := range whole {
		if name == f.file {
			data = append([]byte(nil), data...)
			data[f.at] ^= f.bit
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return flipOutcome{}, err
		}
	}
	return ask(ctx, dir), nil
}

// addEarlierStream has the data be that of an earlier release, which unmarked
// mail is list mail for.
func addEarlierStream(t *testing.T, dir string) {
	t.Helper()
	db := openTest(t, Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	must(t, db.consent.file.write(context.Background(), &op{run: func(c *conn) error {
		return db.consent.setValue(c, metaStream, []byte("list"))
	}}))
	must(t, db.Close())
}
