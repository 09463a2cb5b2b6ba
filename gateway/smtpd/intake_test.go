package smtpd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"offramp/store"
)

func newIntake(t *testing.T) *intake {
	i := new(intake)
	i.open(t.TempDir())
	t.Cleanup(i.scratch.close)
	return i
}

// A message comes out as it came in, as far as anybody looks at it, and takes
// little memory.
func TestIntake(t *testing.T) {
	i := newIntake(t)
	all := make([]byte, 3<<20)
	rand.New(rand.NewSource(1)).Read(all)
	for _, size := range []int{0, 1, headKept - 1, headKept, headKept + 1, headKept + scratchChunk, headKept + scratchChunk + 1, 1 << 20, mostKept, mostKept + 1, 3 << 20} {
		for name, change := range map[string]func(io.Reader) io.Reader{"whole": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "end with data": iotest.DataErrReader} {
			// Another message comes in between.
			other, err := i.receive(netip.Addr{}, bytes.NewReader(all[:200<<10]))
			if err != nil {
				t.Fatal(err)
			}
			h, err := i.receive(netip.Addr{}, change(bytes.NewReader(all[:size])))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(h.reader())
			if want := all[:min(size, mostKept)]; err != nil || !bytes.Equal(got, want) || h.size() != int64(len(want)) {
				t.Errorf("%d bytes, %s: %d came out, of size %d: %v", size, name, len(got), h.size(), err)
			}
			if cap(h.head) > headKept {
				t.Errorf("%d bytes of memory for a message of %d", cap(h.head), size)
			}
			other.free()
			h.free()
		}
	}
	if n := i.scratch.shares.Held(); n != 0 {
		t.Errorf("%d bytes are not given back", n)
	}
	if info, err := i.scratch.file.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("the file takes space: %v, %v", info.Size(), err)
	}
	if names, err := os.ReadDir(i.scratch.dir); err != nil || len(names) != 0 {
		t.Errorf("%v, %v", names, err)
	}
}

// Space on disk is bounded, in all and for one network, and only what is in use
// counts.
func TestIntakeFull(t *testing.T) {
	i := newIntake(t)
	i.scratch.shares.All, i.scratch.shares.Each = 4<<20, 2<<20
	large := func(from string) (*held, error) {
		return i.receive(netip.MustParseAddr(from), strings.NewReader(strings.Repeat("x", mostKept)))
	}
	fill := func(format string) (kept []*held) {
		for n := range 10 {
			h, err := large(fmt.Sprintf(format, n))
			if err == nil {
				kept = append(kept, h)
			} else if !errors.Is(err, store.ErrFull) {
				t.Fatal(err)
			}
		}
		return kept
	}
	one := fill("2001:db8::%d")
	if len(one) != 2 {
		t.Errorf("%d messages of 1 MiB of one network, want 2", len(one))
	}
	others := fill("192.0.2.%d")
	if len(others) != 2 {
		t.Errorf("%d of others, want 2", len(others))
	}
	if _, err := i.receive(netip.MustParseAddr("192.0.2.99"), strings.NewReader(strings.Repeat("x", headKept))); err != nil {
		t.Errorf("a small message meanwhile: %v", err)
	}
	if info, err := i.scratch.file.Stat(); err != nil || info.Size() > 4<<20 {
		t.Errorf("a file of %d bytes, %v", info.Size(), err)
	}
	for _, h := range append(one, others...) {
		h.free()
	}
	if h, err := large("192.0.2.1"); err != nil {
		t.Errorf("with space again: %v", err)
	} else {
		h.free()
	}
}

// A message that breaks off leaves nothing behind.
func TestIntakeBrokenOff(t *testing.T) {
	i := newIntake(t)
	broken := errors.New("broken")
	for _, size := range []int{100, 300 << 10} {
		data := io.MultiReader(strings.NewReader(strings.Repeat("x", size)), iotest.ErrReader(broken))
		if _, err := i.receive(netip.Addr{}, data); !errors.Is(err, broken) || i.scratch.shares.Held() != 0 {
			t.Errorf("%v, %d bytes held", err, i.scratch.shares.Held())
		}
	}
}

// Few large messages are looked at at once; small ones do not wait for them.
func TestIntakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIntake(t)
		var busy, most atomic.Int64
		for range 50 {
			go func() {
				done, err := i.turn(t.Context(), &held{rest: 1})
				if err != nil {
					t.Error(err)
					return
				}
				most.Store(max(most.Load(), busy.Add(1)))
				time.Sleep(time.Second)
				busy.Add(-1)
				done()
			}()
		}
		synctest.Wait()
		if _, err := i.turn(t.Context(), &held{}); err != nil {
			t.Error(err)
		}
		ended, stop := context.WithCancel(t.Context())
		stop()
		if _, err := i.turn(ended, &held{rest: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("a wait after the end: %v", err)
		}
		time.Sleep(time.Minute)
		if most.Load() != largeAtOnce {
			t.Errorf("%d at once, want %d", most.Load(), largeAtOnce)
		}
	})
}

// What is received first comes to the rooms below as any other message does.
func TestIntakeOfASession(t *testing.T) {
	dir := t.TempDir()
	h := start(t, func(s *Server) { s.MaxMessageSize, s.Dir = 4<<20, dir })
	text := "Subject: x\r\n\r\n" + strings.Repeat("..dots\r\n", 60_000)
	for _, to := range []string{"u+good@back.example", "postmaster@back.example"} {
		for _, command := range []string{"DATA", "BDAT"} {
			p := h.dial(false)
			p.expect("220")
			p.say("EHLO x", "250")
			p.say("MAIL FROM:<>", "250")
			p.say("RCPT TO:<"+to+">", "250")
			if command == "BDAT" {
				p.send(fmt.Sprintf("BDAT %d LAST\r\n%s", len(text), text))
			} else {
				p.say("DATA", "354")
				p.send(strings.ReplaceAll(text, "..dots", "...dots") + ".\r\n")
			}
			p.expect("250")
			all := h.relay.all()
			if got := all[len(all)-1]; got.data != text || got.postmaster != strings.HasPrefix(to, "post") {
				t.Errorf("%s by %s: %d of %d bytes", to, command, len(got.data), len(text))
			}
			// Where it breaks off, nothing of it is looked at.
			p.say("MAIL FROM:<>", "250")
			p.say("RCPT TO:<"+to+">", "250")
			p.say("DATA", "354")
			p.send(text[:100<<10])
			p.raw.Close()
			if n := len(h.relay.all()); n != len(all) {
				t.Errorf("%d messages, want %d", n, len(all))
			}
		}
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}
