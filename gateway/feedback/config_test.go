package feedback_test

import (
	"strings"
	"testing"

	"offramp/gateway/feedback"
)

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		config feedback.Config
		want   string // variable; empty: no fault
	}{
		{feedback.Config{}, ""},
		{feedback.Config{ReturnPath: "keep", SenderID: "offramp1", Keep: 1000, Addresses: []string{"fbl@example.org"}}, ""},
		{feedback.Config{ReturnPath: "on"}, "OFFRAMP_RETURN_PATH"},
		{feedback.Config{SenderID: "abcd"}, "OFFRAMP_FEEDBACK_ID"},
		{feedback.Config{SenderID: "a:b:c:d"}, "OFFRAMP_FEEDBACK_ID"},
		{feedback.Config{SenderID: strings.Repeat("a", 16)}, "OFFRAMP_FEEDBACK_ID"},
		{feedback.Config{Keep: -1}, "OFFRAMP_FEEDBACK_KEEP"},
		{feedback.Config{Keep: 1001}, "OFFRAMP_FEEDBACK_KEEP"},
		{feedback.Config{Addresses: []string{"fbl"}}, "OFFRAMP_FEEDBACK_ADDRESSES"},
		{feedback.Config{Addresses: []string{"postmaster@example.org"}}, "OFFRAMP_FEEDBACK_ADDRESSES"},
	} {
		err := test.config.Validate()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.config, err, test.want)
		}
	}
}
