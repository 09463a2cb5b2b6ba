package listunsub

import (
	"strings"
	"testing"
)

func TestDigits(t *testing.T) {
	oldKey, newKey := NewKey(), NewKey()
	parse := func(keys ...string) *KeyRing {
		r, err := ParseKeyRing(strings.Join(keys, ","))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	before := parse(oldKey)
	digits := before.Digits("letter", []byte("a"), []byte("b"))
	if len(digits) != DigitCount || strings.Trim(digits, "0123456789") != "" {
		t.Fatalf("digits %q", digits)
	}
	for name, c := range map[string]struct {
		ring   *KeyRing
		digits string
		label  string
		data   string
		want   bool
	}{
		"the same ring":        {before, digits, "letter", "a b", true},
		"another process":      {parse(oldKey), digits, "letter", "a b", true},
		"a new key before":     {parse(newKey, oldKey), digits, "letter", "a b", true},
		"the key is gone":      {parse(newKey), digits, "letter", "a b", false},
		"another use":          {before, digits, "form", "a b", false},
		"other data":           {before, digits, "letter", "a c", false},
		"the pieces put apart": {before, digits, "letter", "ab ", false},
		"too short":            {before, digits[:7], "letter", "a b", false},
		"too long":             {before, digits + "0", "letter", "a b", false},
		"nothing":              {before, "", "letter", "a b", false},
	} {
		first, second, _ := strings.Cut(c.data, " ")
		if got := c.ring.VerifyDigits(c.digits, c.label, []byte(first), []byte(second)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A code that begins with zeros keeps them.
func TestDigitsKeepZeros(t *testing.T) {
	if got := digitsOf([]byte{0, 0, 0, 0, 0, 0, 0, 7}); got != "00000007" {
		t.Errorf("%q", got)
	}
}
