package main

import (
	"strings"
	"testing"
	"time"

	"offramp/store/sqlite"
)

// A clock that the data knows nothing of is a failure of check, until it is
// accepted.
func TestClockCommands(t *testing.T) {
	a, out, messages := newApp(t, "")
	run := func(want int, words string) string {
		t.Helper()
		out.Reset()
		messages.Reset()
		a.envFile = ""
		if code := a.run(strings.Fields("--env-file .env " + words)); code != want {
			t.Errorf("%s: exit code %d\n%s%s", words, code, out, messages)
		}
		return out.String()
	}
	run(exitOK, "init example.org --offline --next-hop mx --operator Example")
	db, err := openStore(t.Context(), &settings{DataDir: "data"}, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := time.Now().Add(-time.Hour)
	if err := db.Consent().SeeClock(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := run(exitOK, "clock show"); !strings.HasSuffix(got, " and is believed\n") {
		t.Error(got)
	}
	a.now = func() time.Time { return seen.AddDate(4, 0, 1) }
	const ahead = "1,462 days ahead of all that this server has seen: no record is retired, no mail given up, and no pause or limit ends"
	if got := run(exitFailed, "clock show"); !strings.Contains(got, ahead) {
		t.Error(got)
	}
	if got := run(exitFailed, "check --offline"); !strings.Contains(got, "fail clock        the clock shows") || !strings.Contains(got, ahead) || !strings.Contains(got, "(offramp --env-file .env clock accept)") {
		t.Error(got)
	}
	run(exitOK, "clock accept")
	if got := run(exitOK, "check --offline"); strings.Contains(got, "the clock shows") {
		t.Error(got)
	}
	a.now = time.Now
	if got := run(exitFailed, "clock show --json"); !strings.Contains(got, `"off_seconds":-126`) {
		t.Error(got)
	}
	if got := run(exitFailed, "clock show"); !strings.Contains(got, "1,461 days behind what this server has seen") && !strings.Contains(got, "1,462 days behind") {
		t.Error(got)
	}
}

// How far the clock is off is never "0 days": the tolerance may be an hour.
func TestDays(t *testing.T) {
	for d, want := range map[time.Duration]string{
		5 * time.Hour:                    "5h",
		25*time.Hour + 30*time.Minute:    "25h30m",
		48 * time.Hour:                   "2 days",
		15*24*time.Hour - 2*time.Second:  "15 days",
		1462*24*time.Hour + 11*time.Hour: "1,462 days",
	} {
		if got := days(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
