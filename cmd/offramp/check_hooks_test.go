package main

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What has webhooks refused for an hour is a failure, and a warning before.
func TestSlipsAreFound(t *testing.T) {
	counts := readMetrics(strings.NewReader(`# HELP offramp_hooks_misconfigured_seconds x
offramp_hooks_misconfigured_seconds{vendor="postmark",cause="login"} 3600
offramp_hooks_misconfigured_seconds{cause="topic",vendor="ses"} 3599
offramp_hooks_misconfigured_seconds{vendor="mailgun",cause="clock"} 7300.5
offramp_hooks_clock_difference_seconds{vendor="mailgun"} -600
offramp_hooks_total{result="misconfigured"} 9
`))
	var got []string
	for _, f := range slips(counts) {
		if f.Do == "" {
			t.Errorf("nothing to do for %q", f.Text)
		}
		got = append(got, f.State+" "+f.Text)
	}
	want := []string{
		"fail webhooks of mailgun are not accepted because of the clock, which is 10m0s behind theirs, for 2h1m40s: what the vendor gives up to repeat is lost",
		"fail webhooks of postmark are not accepted because of the login, for 1h0m0s: what the vendor gives up to repeat is lost",
		"warn webhooks of ses are not accepted because of the topic",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	source, err := os.ReadFile("../../gateway/hook/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"offramp_hooks_misconfigured_seconds", "offramp_hooks_clock_difference_seconds"} {
		if !strings.Contains(string(source), strconv.Quote(name)) {
			t.Errorf("%s is no metric", name)
		}
	}
}
