package callout

import (
	"net/url"
	"testing"
)

func TestTargets(t *testing.T) {
	targets, err := ParseTargets([]string{"https://crm.internal:8443", "http://10.0.0.5:9000", "*.example.net", "https://[fd00::5]", "http://*.shop.example", "plain.example"})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"https://crm.internal:8443/hook": true, "https://CRM.internal.:8443/": true, "https://crm.internal/": false, "http://crm.internal:8443/": false,
		"http://10.0.0.5:9000/x": true, "http://[::ffff:10.0.0.5]:9000/": true, "http://10.0.0.5/": false, "https://10.0.0.5:9000/": false,
		"https://a.example.net/": true, "https://a.b.example.net:444/": true, "https://example.net/": false, "https://badexample.net/": false, "http://a.example.net/": false,
		"https://[fd00::5]/": true, "https://[fd00:0::5]:443/": true, "https://[fd00::5]:444/": false,
		"http://a.shop.example/": true, "http://a.shop.example:81/": false, "https://plain.example:1/": true, "https://a.plain.example/": false,
		"https://crm.internal:8443@evil.example/": false, "https://evil.example/?https://crm.internal:8443": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := targets.Has(u); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestTargetsRefused(t *testing.T) {
	for _, text := range []string{
		"", "*", "*.", "https://", "ftp://a.example", "https://a.example/path", "https://a.example?q", "https://u:p@a.example", "https://a.example#f",
		"*.com", "*.10.0.0.5x:y", "https://*.*.example.net", "https://a.example:0", "https://a.example:70000", "a b", "https://a*.example", "*.10.0.0.5",
	} {
		if one, err := parseTarget(text); err == nil {
			t.Errorf("%q was read as %+v", text, one)
		}
		if (Config{Targets: []string{text}}).Validate() == nil {
			t.Errorf("the setting %q was taken", text)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"https://crm.internal:8443", "*.example.net", "http://[::1]:9", "https://*.a.b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		one, err := parseTarget(s)
		if err == nil && (one.host == "" || one.scheme != "http" && one.scheme != "https") {
			t.Errorf("%q became %+v", s, one)
		}
	})
}
