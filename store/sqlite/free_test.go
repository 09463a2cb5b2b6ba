package sqlite

import "testing"

func TestFreeLeavesRoomForTheLog(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name                      string
		volume, unused, log, want uint64
	}{
		{"new", 100 * mib, 0, 0, 100*mib - logRoom},
		{"what is in the log will be copied back", 100 * mib, 0, checkpointAt, 100*mib - logRoom},
		{"just the room of the log", logRoom, 0, 0, 0},
		{"less", 10 * mib, 0, checkpointAt, 0},
		{"emptied again: the file's own pages", 2 * mib, 60 * mib, checkpointAt, 62*mib - logRoom},
		{"its pages are of no use while the log cannot grow", 2 * mib, 60 * mib, 10 * mib, 0},
	} {
		if got := free(tt.volume, tt.unused, tt.log); got != tt.want {
			t.Errorf("%s: %d MiB, want %d MiB", tt.name, got/mib, tt.want/mib)
		}
	}
}
