package envelope

import "strings"

// ValidNotify says whether s may be a NOTIFY value: NEVER alone, or SUCCESS,
// FAILURE and DELAY, each at most once (RFC 3461 section 4.1). Empty is valid:
// not given.
func ValidNotify(s string) bool {
	if s == "" || s == "NEVER" {
		return true
	}
	seen := map[string]bool{"SUCCESS": false, "FAILURE": false, "DELAY": false}
	for word := range strings.SplitSeq(s, ",") {
		if used, known := seen[word]; !known || used {
			return false
		}
		seen[word] = true
	}
	return true
}

// ValidOriginal says whether s may be a decoded ORCPT: an address type that is
// an atom, a semicolon, and an address without control characters (RFC 3461
// section 4.2; RFC 6533 for "utf-8"), at most 500 bytes. Xtext can encode line
// ends, which must not reach a bounce. Empty is valid: not given.
func ValidOriginal(s string) bool {
	if s == "" {
		return true
	}
	kind, address, ok := strings.Cut(s, ";")
	if !ok || kind == "" || address == "" || len(s) > 500 {
		return false
	}
	for i := 0; i < len(kind); i++ {
		if c := kind[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return checkText(address) == nil
}

// ValidEnvelopeID says whether s may be a decoded ENVID: at most 100 printable
// ASCII characters (RFC 3461 section 4.4). Empty is valid: not given.
func ValidEnvelopeID(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= 100
}
