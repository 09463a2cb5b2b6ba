package render

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	for value, valid := range map[string]bool{"": true, Replace: true, Keep: true, "both": false, "Keep": false} {
		err := Config{ExistingHeader: value}.Validate()
		if (err == nil) != valid || !valid && !strings.HasPrefix(err.Error(), "OFFRAMP_EXISTING_HEADER") {
			t.Errorf("%q: %v", value, err)
		}
	}
}
