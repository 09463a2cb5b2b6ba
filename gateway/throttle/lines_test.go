package throttle

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A stranger's lines are few, whatever they do; nobody else's are fewer for it.
func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var leftOut atomic.Int64
		log := slog.New(NewLines(slog.NewTextHandler(&out, nil), 3, &leftOut))
		count := func(what string) int { return strings.Count(out.String(), what) }
		for range 100 {
			log.Info("bounced", "ip", "192.0.2.1")
			log.With("vendor", "x", "ip", "2001:db8::1").Warn("refused")
			log.With("ip", "2001:db8::2").WithGroup("g").Warn("refused")
		}
		if n := count("bounced"); n != 3 {
			t.Errorf("%d lines of one stranger", n)
		}
		if n := count("refused"); n != 3 {
			t.Errorf("%d lines of one network", n)
		}
		if n := leftOut.Load(); n != 97+197 {
			t.Errorf("%d counted", n)
		}
		log.Info("bounced", "ip", "192.0.2.2") // another's
		log.Info("complained", "ip", "192.0.2.1")
		for range 10 {
			log.Error("cannot store")
			log.Info("confirmed")
		}
		if count("bounced") != 4 || count("complained") != 1 || count("cannot store") != 10 || count("confirmed") != 10 {
			t.Errorf("others' lines are left out:\n%s", out.String())
		}
		if count("left_out=1\n") != 1 || count("left_out=293\n") != 1 || count("left_out") != 2 {
			t.Errorf("not said how many were left out:\n%s", out.String())
		}
		for i := range 100 {
			log.Info("denied", "ip", fmt.Sprintf("2001:db8:0:%x::1", i))
			log.Info("denied", "ip", fmt.Sprintf("2001:db8:1:%x00::1", i))
		}
		if n := count("denied"); n != 6+12 {
			t.Errorf("%d lines of a /56 and a /48, want 6 and 12", n)
		}
		time.Sleep(20 * time.Second)
		log.Info("bounced", "ip", "192.0.2.1")
		if count("bounced") != 5 {
			t.Error("never heard again")
		}
		if log.Enabled(t.Context(), slog.LevelDebug) {
			t.Error("debug is on")
		}
	})
}
