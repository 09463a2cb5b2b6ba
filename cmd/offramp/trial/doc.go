// Package trial holds the tests that run the offramp program as a process
// between peers that are not ours: they count what was promised and what came
// out. Flag -torture runs them at full length.
package trial
