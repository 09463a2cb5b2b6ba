package confirmation

import "offramp/gateway/mime"

const maxName = 200 // characters of a name, or a subject, that anybody reads

// plain makes a name what it should be: one line of maxName characters.
func plain(name string) string {
	name = mime.OneLine(name)
	n := 0
	for i := range name {
		if n++; n > maxName {
			return name[:i] + "…"
		}
	}
	return name
}
