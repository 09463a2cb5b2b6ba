package queue

import (
	"testing"

	"github.com/caarlos0/env/v11"
	"github.com/google/go-cmp/cmp"
)

// The defaults that the settings' table shows are those of zero values.
func TestDefaultsAgree(t *testing.T) {
	shown, err := env.ParseAsWithOptions[Config](env.Options{Environment: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Config{}.withDefaults(), shown); diff != "" {
		t.Errorf("(-zero value +variable):\n%s", diff)
	}
}
