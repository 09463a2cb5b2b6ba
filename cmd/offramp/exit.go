package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"offramp/store"
)

// Exit codes, as every command uses them.
const (
	exitOK       = 0
	exitFailed   = 1  // the command did its work and the answer is no, or it failed
	exitUsage    = 2  // the command line or the settings are wrong
	exitTempFail = 75 // EX_TEMPFAIL of sysexits.h: the same command may succeed later
)

// usageError is a mistake in the command line or the settings.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// fault makes one line about a setting or an argument: what it is, and what
// remedies it.
func fault(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// silent ends a command with a code and says nothing: what there is to say
// stands in its output already.
type silent struct{ code int }

func (e silent) Error() string { return fmt.Sprintf("exit %d", e.code) }

// exitCode is the one mapping from errors to exit codes.
func exitCode(err error) int {
	var quiet silent
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &quiet):
		return quiet.code
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrFull), errors.Is(err, store.ErrInUse),
		errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, context.DeadlineExceeded):
		return exitTempFail
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return exitTempFail
	}
	return exitFailed
}

// lines returns the text of err, one entry for each joined error.
func lines(err error) []string {
	return strings.Split(strings.TrimRight(err.Error(), "\n"), "\n")
}
