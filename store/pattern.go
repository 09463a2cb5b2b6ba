package store

import "strings"

// IsPattern says whether the recipient of a suppression is not a person but a
// pattern of domains: "@example.org" fits every address of that domain, and
// "@*.example.org" those of every domain below it. No lookup key of an address
// has this form.
func IsPattern(recipient string) bool {
	return len(recipient) > 1 && strings.LastIndexByte(recipient, '@') == 0
}

// Patterns are the patterns that fit a lookup key, of its own domain first; none
// for a key without a domain, as that of an erased person.
func Patterns(key string) (all []string) {
	at := strings.LastIndexByte(key, '@')
	if at < 1 {
		return nil
	}
	all = append(all, key[at:])
	for domain := key[at+1:]; ; {
		_, above, ok := strings.Cut(domain, ".")
		if !ok {
			return all
		}
		all = append(all, "@*."+above)
		domain = above
	}
}
