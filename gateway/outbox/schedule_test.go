package outbox

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestWaits(t *testing.T) {
	least, most := bytes.Repeat([]byte{0}, 4), bytes.Repeat([]byte{0xff}, 4)
	for _, c := range []struct {
		tries int
		asked time.Duration
		want  time.Duration // without chance
	}{
		{0, 0, 5 * time.Second}, {1, 0, 5 * time.Second}, {2, 0, 15 * time.Second}, {3, 0, 45 * time.Second}, {4, 0, 2 * time.Minute}, {5, 0, 7 * time.Minute},
		{6, 0, 20 * time.Minute}, {7, 0, time.Hour}, {1000, 0, time.Hour},
	} {
		low, high := waitAfter(usualWaits(), c.tries, c.asked, bytes.NewReader(least)), waitAfter(usualWaits(), c.tries, c.asked, bytes.NewReader(most))
		if low < c.want*89/100 || low > c.want*91/100 || high < c.want*109/100 || high > c.want*111/100 {
			t.Errorf("after %d: %s to %s, want %s a tenth more or less", c.tries, low, high, c.want)
		}
	}
	for asked, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, 100 * time.Hour: longestWait} {
		if got := waitAfter(usualWaits(), 1, asked, bytes.NewReader(least)); got != want {
			t.Errorf("asked for %s: %s", asked, got)
		}
	}
}

func TestErrorText(t *testing.T) {
	for text, want := range map[string]string{
		"one\r\ntwo\x00": "one  two ", "a\xffb": "a?b", strings.Repeat("ü", 200): strings.Repeat("ü", 128),
	} {
		if got := errorText(errors.New(text)); got != want || !utf8.ValidString(got) || len(got) > maxError {
			t.Errorf("%q became %q", text, got)
		}
	}
}
