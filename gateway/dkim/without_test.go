package dkim

import (
	"slices"
	"strings"
	"testing"
)

// What is left out is in no signature, neither present nor absent, and may be
// replaced or added afterwards.
func TestFieldsLeftOut(t *testing.T) {
	fields := [][]byte{
		[]byte("From: a@example.com\r\n"), []byte("Date: Wed, 4 Mar 2026 05:06:07 +0000\r\n"), []byte("Message-ID: <1@example.com>\r\n"),
		[]byte("List-Unsubscribe: <https://u.example/1>\r\n"), []byte("List-Id: <news.example.com>\r\n"),
	}
	for name, c := range map[string]struct {
		without []string
		want    string // names that must be signed, with how often
	}{
		"nothing":              {nil, "date 2, from 2, list-id 2, list-unsubscribe 2, list-unsubscribe-post 1, message-id 2"},
		"two":                  {[]string{"message-id", "DATE"}, "from 2, list-id 2, list-unsubscribe 2, list-unsubscribe-post 1"},
		"From stays":           {[]string{"From", "Date", "Message-ID"}, "from 2, list-id 2, list-unsubscribe 2, list-unsubscribe-post 1"},
		"unknown":              {[]string{"X-Own", "Return-Path"}, "date 2, from 2, list-id 2, list-unsubscribe 2, list-unsubscribe-post 1, message-id 2"},
		"all of the list mail": {[]string{"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"}, "date 2, from 2, message-id 2"},
	} {
		t.Run(name, func(t *testing.T) {
			without := FieldSet(c.without...)
			data, names := signedData(fields, without)
			var got []string
			for _, of := range []string{"date", "from", "list-id", "list-unsubscribe", "list-unsubscribe-post", "message-id"} {
				n := 0
				for _, name := range names {
					if strings.EqualFold(name, of) {
						n++
					}
				}
				if n > 0 {
					got = append(got, of+" "+string(rune('0'+n)))
				}
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("signed %s, want %s", text, c.want)
			}
			if slices.Contains(c.without, "DATE") && strings.Contains(string(data), "\r\ndate:") {
				t.Errorf("the data to sign contains what is left out:\n%s", data)
			}
		})
	}
}

// The set has room for every field.
func TestFieldSetHoldsAll(t *testing.T) {
	if len(signedFields) > 32 {
		t.Fatalf("%d fields do not fit into Fields", len(signedFields))
	}
}
