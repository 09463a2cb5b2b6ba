package envelope

import "strings"

// MaskAll masks all mail addresses in a text of another mail system: it repeats
// recipients and senders, and not always as they were given.
func MaskAll(text string) string {
	var out strings.Builder
	for text != "" {
		end := strings.IndexAny(text, " <>()[],;:\"'=")
		switch end {
		case -1:
			end = len(text)
		case 0:
			end = 1
		}
		word := text[:end]
		text = text[end:]
		if strings.Contains(word, "@") && !strings.Contains(word, "•") { // masked already
			address, err := Parse(strings.TrimRight(word, "."))
			word = "•••@•••"
			if err == nil {
				word = address.Masked()
			}
		}
		out.WriteString(word)
	}
	return out.String()
}
