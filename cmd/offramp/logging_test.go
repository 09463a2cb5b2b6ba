package main

import (
	"errors"
	"strings"
	"testing"
)

// A field is cut, whoever wrote it and however it came into the log.
func TestFieldsOfTheLogAreCut(t *testing.T) {
	long := strings.Repeat("\u00e4", 40_000)
	for _, format := range []string{"text", "json"} {
		var out strings.Builder
		log, err := (&settings{LogLevel: "info", LogFormat: format}).logger(&out)
		if err != nil {
			t.Fatal(err)
		}
		log.With("given", long).Info("short", "text", long, "error", errors.New(long), "stack", long, "whole", "kept", "n", 7)
		if n := out.Len(); n > 3*mostField+mostStack+300 || n < mostStack {
			t.Errorf("%s: %d bytes", format, n)
		}
		if got := out.String(); !strings.Contains(got, "kept") || strings.Contains(got, "\ufffd") {
			t.Errorf("%s: %.200s", format, got)
		}
	}
}
