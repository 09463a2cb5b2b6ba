//go:build !failpoint

// Package failpoint names the steps at which a trial can end the process, so
// that what was promised before the step can be counted after it, hold it up,
// or leave something out. Only a program built with the tag failpoint has
// them; otherwise Hit and Skip are nothing.
package failpoint

// Hit marks a step.
func Hit(string) {}

// Skip says whether the step is to be left out, so that a trial can be seen
// to find that it is missing.
func Skip(string) bool { return false }
