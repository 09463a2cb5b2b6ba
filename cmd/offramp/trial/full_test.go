package trial

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"offramp/gateway/sink"
)

// F4: a full disk is answered 452 or 451, never 5xx; nothing is half kept, and
// the program recovers by itself when there is room again.
func TestTortureDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for a small file system")
	}
	for range scale(1, 20) {
		fillDisk(t)
	}
}

func fillDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("no small file system here: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	var open atomic.Bool
	s, err := sink.Start(sink.Options{Fault: func(st sink.Stage, _ sink.Transaction) sink.Fault {
		if st == sink.Mail && !open.Load() {
			return sink.Fault{Reply: "450 4.3.0 not now"}
		}
		return sink.Fault{}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := start(t, "smtp://"+s.Addr(), "DATA_DIR="+dir, "MAX_MESSAGE_SIZE=1MiB")
	defer p.kill()
	l := newLedger()
	// The program keeps a reserve. A second file takes that too, now and then,
	// so that the disk itself runs full under it.
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() { defer close(ended); occupy(filepath.Join(dir, "foreign"), stop) }()
	refusals := 0
	for i := 0; refusals < 40 && i < 4000; i++ {
		c, err := dial(p.smtp)
		if err != nil {
			t.Fatal(err)
		}
		id, to, data := l.message(2, 400_000)
		err = c.send("news@trial.example", to, data)
		c.close()
		var r *refused
		switch {
		case err == nil:
			l.ack(id)
		case errors.As(err, &r) && (strings.HasPrefix(r.reply, "452") || strings.HasPrefix(r.reply, "451")):
			refusals++
		default:
			t.Fatalf("a full disk was answered %v", err)
		}
	}
	close(stop)
	<-ended
	if refusals < 40 {
		t.Fatal("the disk never ran full")
	}
	if out, code := p.run("health"); code != 0 && p.running() == false {
		t.Fatalf("the process ended: %s", out)
	}
	open.Store(true)
	drain(t, l, s, 90*time.Second).wantWhole(t)
	c, err := dial(p.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	id, to, data := l.message(1, 1000)
	if err := poll(20*time.Second, func() error { return c.send("news@trial.example", to, data) }); err != nil {
		t.Fatalf("no mail is taken after there was room again: %v\n%s", err, p.log)
	}
	l.ack(id)
	drain(t, l, s, 20*time.Second).wantWhole(t)
}

// occupy fills what is free for a moment, again and again, until stop.
func occupy(file string, stop <-chan struct{}) {
	for {
		if f, err := os.Create(file); err == nil {
			block := make([]byte, 1<<20)
			for err == nil {
				_, err = f.Write(block)
			}
			f.Close()
		}
		pause(stop, 300*time.Millisecond)
		os.Remove(file)
		select {
		case <-stop:
			return
		default:
		}
		pause(stop, 700*time.Millisecond)
	}
}
