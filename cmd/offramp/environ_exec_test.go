package main

import (
	"slices"
	"testing"
)

// A program that events are given to learns none of our secrets.
func TestProgramEnviron(t *testing.T) {
	got := programEnviron(map[string]string{
		"PATH": "/bin", "HOME": "/home/x", "MAILMAN_REST_PASSWORD": "theirs", "OFFRAMP_TOKEN_KEYS": "secret", "OFFRAMP_SQL_URL_FILE": "/x",
		"CREDENTIALS_DIRECTORY": "/run/credentials", "NOTIFY_SOCKET": "/run/notify", "LISTEN_FDS": "3",
	})
	if want := []string{"HOME=/home/x", "MAILMAN_REST_PASSWORD=theirs", "PATH=/bin"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
