package smtpd

import (
	"testing"

	"github.com/caarlos0/env/v11"
	"github.com/google/go-cmp/cmp"
)

// The defaults that the settings' table shows are those of zero values, but for
// logins in clear: who makes a server without settings gets none.
func TestDefaultsAgree(t *testing.T) {
	shown, err := env.ParseAsWithOptions[Config](env.Options{Environment: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{AuthLoopback: true}.WithDefaults()
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("(-zero value +variable):\n%s", diff)
	}
}
