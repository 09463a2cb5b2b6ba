package main

import (
	"maps"
	"slices"
	"strings"
)

// withheld are variables of the service manager's that a program of the
// operator's must not have: credentials, and what it would speak in our name with.
var withheld = []string{"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}

// programEnviron is the environment of a program that events are given to: ours,
// without our settings, of which some are secrets.
func programEnviron(env map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !strings.HasPrefix(name, prefix) && !slices.Contains(withheld, name) {
			all = append(all, name+"="+env[name])
		}
	}
	return all
}
