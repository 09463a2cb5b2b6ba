package footer

import (
	"testing"

	"offramp/store"
)

// Text that clients read in another charset than it names, or in none, is left
// alone.
func TestUnreadableTextIsLeft(t *testing.T) {
	for _, tt := range []struct{ name, message string }{
		{"byte order mark of UTF-16, little end first", "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n//48AHAAPgA=\n"},
		{"byte order mark of UTF-16, big end first, in what is named UTF-8", "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n/v8APABw\n"},
		{"null bytes, so UTF-16 without a mark", "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\nPABwAD4A\n"},
		{"shifts by control characters", "Content-Type: text/plain; charset=ISO-2022-KR\n\n\x1b$)C\x0e?!\x0f\n"},
	} {
		if plan, _ := footed(t, newFooter(t, ""), store.List{ID: "news"}, tt.message, false); plan.Result != NoPlace {
			t.Errorf("%s: %s", tt.name, plan)
		}
	}
}
