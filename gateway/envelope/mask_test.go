package envelope

import "testing"

func TestMaskAll(t *testing.T) {
	for text, want := range map[string]string{
		"mailbox full": "mailbox full",
		"<Ada@Example.NET>: user unknown (ADA@example.net)": "<A•••@e•••.net>: user unknown (A•••@e•••.net)",
		"ada@example.net. rcpt=ada@example.net":             "a•••@e•••.net rcpt=a•••@e•••.net",
		"a@b@c d@ @e":                                       "a•••@c••• •••@••• •••@•••",
		"a•••@e•••.net stays":                               "a•••@e•••.net stays",
		"":                                                  "",
	} {
		if got := MaskAll(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
