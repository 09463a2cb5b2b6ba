package language

import (
	"slices"
	"strings"
	"testing"
)

// hostile is as much work as a wish can make.
var hostile = strings.Repeat("xy-Latn-DE-u-co-phonebk,", 4000)

func TestSpeaker(t *testing.T) {
	c := load(t, "")
	for tag, want := range map[string]string{
		"de": "de", "de-AT": "de", "DE-at": "de", "de_CH": "de", "de-Latn-DE-1996": "de",
		"zh": "zh", "zh-Hans": "zh", "zh-TW": "zh", "zh-Hant-HK": "zh", "cmn-Hans": "zh",
		"pt-BR": "pt", "es-419": "es", "ar-EG": "ar", "arb": "ar", "ja-JP-u-ca-japanese": "ja",
		"sr-SP": "", "en-QQ": "en",
		"": "", "*": "", "und": "", "und-DE": "", "mul": "", "sv": "", "x-de": "", "d": "",
		"de,fr": "", "de;q=1": "", " de": "", "de-": "", "de-!": "", "de\x00": "", "../texts/de": "",
		"de" + strings.Repeat("-aaaaaaaa", 30): "",
	} {
		s, ok := c.Speaker(tag)
		if ok != (want != "") || ok && s.Tag() != want {
			t.Errorf("Speaker(%q) = %+v %t, want %q", tag, s, ok, want)
		}
	}
}

func TestMatch(t *testing.T) {
	c := load(t, "")
	long := strings.Repeat("sv;q=0.1,", 28) // 252 bytes
	for _, test := range []struct {
		name   string
		wishes []string
		want   string
	}{
		{"nothing", nil, "en"},
		{"empty wishes", []string{"", ""}, "en"},
		{"one tag", []string{"de"}, "de"},
		{"the first wish before the second", []string{"pl", "de,en"}, "pl"},
		{"the second wish when nobody meets the first", []string{"sv,da", "it"}, "it"},
		{"a browser", []string{"", "de-AT,de;q=0.9,en-US;q=0.8,en;q=0.7"}, "de"},
		{"another language first", []string{"sv-SE,sv;q=0.9,fr;q=0.8,en;q=0.7"}, "fr"},
		{"weights out of order", []string{"en;q=0.1, fr;q=0.3, ja;q=0.2"}, "fr"},
		{"equal weights", []string{"nl;q=0.5,it;q=0.5"}, "nl"},
		{"no weight is one", []string{"nl;q=0.9,it"}, "it"},
		{"space about everything", []string{" nl ; q=0.5 ,\tit ; q=0.6"}, "it"},
		{"not acceptable", []string{"de;q=0,fr;q=0.1"}, "fr"},
		{"nothing acceptable", []string{"de;q=0.000"}, "en"},
		{"not acceptable, next wish", []string{"de;q=0", "ja"}, "ja"},
		{"any", []string{"*", "es"}, "es"},
		{"any after one", []string{"ar,*;q=0.1"}, "ar"},
		{"traditional Chinese", []string{"zh-TW"}, "zh"},
		{"an unregistered region", []string{"sr-SP,de-XY;q=0.5"}, "de"},
		{"malformed, next wish", []string{";;;,=,q=1", "nl"}, "nl"},
		{"malformed element is passed over", []string{"!,de-!,pl"}, "pl"},
		{"malformed weight is passed over", []string{"de;q=much,fr;q=NaN,nl;q=2,it;q=-1,es;level=1,pl;q=0.1"}, "pl"},
		{"octets that are no text", []string{"\xff\xfe\x00,fr"}, "fr"},
		{"within the limit", []string{long + "fr,,"}, "fr"},
		{"across the limit", []string{long + "fr-CA"}, "en"},
		{"beyond the limit", []string{long + long + "fr", "ja"}, "ja"},
		{"one endless tag", []string{strings.Repeat("de-", 1000), "ja"}, "ja"},
		{"hostile", []string{hostile, "ja"}, "ja"},
	} {
		if got := c.Match(test.wishes...).Tag(); got != test.want {
			t.Errorf("%s: Match(%q) speaks %s, want %s", test.name, test.wishes, got, test.want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, seed := range []string{"", "de", "de-AT,de;q=0.9,en-US;q=0.8,en;q=0.7", "*", "zh-Hant;q=0", "fr;q=1e-3,it", "!,;,=",
		"x-de", "i-klingon", "de-u-co-phonebk-x-y", "sgn-BE-FR", "zh-min-nan", strings.Repeat("de-", 90), hostile[:300]} {
		f.Add(seed)
	}
	c, err := Load("")
	if err != nil {
		f.Fatal(err)
	}
	speakers := c.Speakers()
	f.Fuzz(func(t *testing.T, wish string) {
		got := c.Match(wish, "ja")
		if !slices.Contains(speakers, got) {
			t.Fatalf("%q is met by nobody", wish)
		}
		if one, ok := c.Speaker(wish); ok && one != got {
			t.Errorf("%s speaks %q, which is met by %s", one.Tag(), wish, got.Tag())
		}
		// Swedish is spoken by nobody.
		if more := c.Match(wish+","+strings.Repeat("sv,", 100)+"en", "ja"); len(wish) < wishLimit && more != got {
			t.Errorf("%q is met by %s, followed by more than the limit by %s", wish, got.Tag(), more.Tag())
		}
	})
}
