package main

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"offramp/store"
)

// A command that has the data open for a moment holds up neither a server that
// starts nor another command; one that keeps it is told of.
func TestOpenWhenFree(t *testing.T) {
	s := &settings{DataDir: t.TempDir()}
	a := &app{now: time.Now}
	first, err := openStore(t.Context(), s, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	_, err = a.openWhenFree(t.Context(), s, slog.New(slog.DiscardHandler), func() bool { asked++; return true })
	if !errors.Is(err, store.ErrInUse) || asked != 1 {
		t.Errorf("a server has it: %v after %d tries", err, asked)
	}
	second, err := a.openWhenFree(t.Context(), s, slog.New(slog.DiscardHandler), func() bool {
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		return false
	})
	if err != nil {
		t.Fatalf("it became free: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}
