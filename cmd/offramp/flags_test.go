package main

import (
	"regexp"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pflag takes what stands in backquotes for the name of a value: it is a name.
func TestFlagsNameTheirValue(t *testing.T) {
	name := regexp.MustCompile(`^([a-zA-Z]+|)$`)
	seen := 0
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			seen++
			if value, _ := pflag.UnquoteUsage(f); !name.MatchString(value) {
				t.Errorf("%s --%s: the value is called %q", cmd.CommandPath(), f.Name, value)
			}
		})
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	a, _, _ := newApp(t, "")
	visit(a.commands())
	if seen < 40 {
		t.Errorf("only %d flags", seen)
	}
}
