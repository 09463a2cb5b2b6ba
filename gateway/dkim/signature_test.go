package dkim

import (
	"slices"
	"testing"
)

func TestParseSignature(t *testing.T) {
	for _, tt := range []struct {
		value, domain, from string
		fields              []string
		aligned             bool
	}{
		{"v=1; a=rsa-sha256; d=Shop.example; s=s; h=From : List-Unsubscribe:\r\n\tlist-unsubscribe-post; b=x", "shop.example", "shop.example", []string{"from", "list-unsubscribe", "list-unsubscribe-post"}, true},
		{"d=mail.shop.example;h=from", "mail.shop.example", "news.shop.example", []string{"from"}, true},
		{"d=shop.example.;h=from", "shop.example", "shop.example", []string{"from"}, true},
		{"d=esp.example; h=from", "esp.example", "shop.example", []string{"from"}, false},
		{"d=a.co.uk; h=from", "a.co.uk", "b.co.uk", []string{"from"}, false},
		{"d=co.uk; h=from", "co.uk", "b.co.uk", []string{"from"}, false},
		{"", "", "", nil, false},
		{"h; d; =", "", "shop.example", []string{""}, false},
	} {
		s := ParseSignature(tt.value)
		if s.Domain != tt.domain || !slices.Equal(s.Fields, tt.fields) || s.Aligned(tt.from) != tt.aligned {
			t.Errorf("%q: %+v, aligned with %q: %t", tt.value, s, tt.from, s.Aligned(tt.from))
		}
		if want := slices.Contains(tt.fields, "list-unsubscribe"); s.Covers("list-unsubscribe") != want {
			t.Errorf("%q covers List-Unsubscribe: %t", tt.value, !want)
		}
	}
}
