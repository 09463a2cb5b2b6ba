package dkim

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// zone answers look-ups of keys.
type zone struct {
	records map[string]string
	err     error
}

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if z.err != nil {
		return nil, z.err
	}
	if r, ok := z.records[strings.TrimSuffix(name, ".")]; ok {
		return []string{r}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func TestVerifier(t *testing.T) {
	key := rsaKey(t)
	record, err := key.Record()
	if err != nil {
		t.Fatal(err)
	}
	zone := zone{records: map[string]string{key.Selector + "._domainkey." + key.Domain: record}}
	fields := [][]byte{[]byte("From: a@" + key.Domain + "\r\n"), []byte("Subject: x\r\n")}
	body := []byte("Hi\r\n")
	hash := NewBodyHash()
	hash.Write(body)
	signature, err := key.Sign(fields, hash.Sum(), time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	header := string(fields[0]) + string(fields[1])
	good := string(signature) + header + "\r\n" + string(body)
	for name, test := range map[string]struct {
		raw  string
		zone Resolver
		want []string
		fail bool
	}{
		"right":             {good, zone, []string{key.Domain}, false},
		"another body":      {good + "x\r\n", zone, nil, false},
		"another subject":   {strings.Replace(good, "Subject: x", "Subject: y", 1), zone, nil, false},
		"unsigned":          {header + "\r\nHi\r\n", zone, nil, false},
		"no key":            {good, zoneOf(nil), nil, false},
		"no key for now":    {good, zoneOf(&net.DNSError{Err: "timeout", IsTimeout: true, IsTemporary: true}), nil, true},
		"no message":        {"\x00", zone, nil, false},
		"broken, and right": {"DKIM-Signature: v=1; a=x\r\n" + good, zone, []string{key.Domain}, false},
		"many":              {strings.Repeat(string(signature), 20) + header + "\r\n" + string(body), zone, []string{key.Domain}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Verifier{Resolver: test.zone}.Verify(t.Context(), []byte(test.raw))
			if got = slices.Compact(got); !slices.Equal(got, test.want) || (err != nil) != test.fail {
				t.Errorf("Verify = %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

// asked keeps the names that are looked up.
type asked struct {
	zone
	mu    sync.Mutex
	names []string
}

func (a *asked) LookupTXT(ctx context.Context, name string) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names = append(a.names, name)
	return a.zone.LookupTXT(ctx, name)
}

// What one message may cost is bounded: five look-ups of the very names, and no
// key that takes seconds to check with.
func TestVerifierIsBounded(t *testing.T) {
	key := rsaKey(t)
	record, err := key.Record()
	if err != nil {
		t.Fatal(err)
	}
	hash := NewBodyHash()
	hash.Write([]byte("Hi\r\n"))
	from := []byte("From: a@" + key.Domain + "\r\n")
	signature, err := key.Sign([][]byte{from}, hash.Sum(), time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte(strings.Repeat(string(signature), 1000) + string(from) + "\r\nHi\r\n")
	name := key.Selector + "._domainkey." + key.Domain
	for _, test := range []struct {
		record string
		right  bool
	}{
		{record + "; n=" + strings.Repeat("x", maxRecord-len(record)-4), true},
		{record + "; n=" + strings.Repeat("x", maxRecord-len(record)-3), false},
	} {
		a := &asked{zone: zone{records: map[string]string{name: test.record}}}
		got, err := Verifier{Resolver: a}.Verify(t.Context(), raw)
		if err != nil || (len(got) > 0) != test.right {
			t.Errorf("record of %d bytes: %v, %v", len(test.record), got, err)
		}
		if len(a.names) != maxSignatures || a.names[0] != name+"." {
			t.Errorf("looked up: %q", a.names)
		}
	}
}

func zoneOf(err error) zone { return zone{err: err} }

func TestAligned(t *testing.T) {
	for _, test := range []struct {
		signing, from string
		want          bool
	}{
		{"example.org", "example.org", true},
		{"example.org", "News.Example.ORG", true},
		{"a.example.org", "b.example.org", true},
		{"example.org", "example.com", false},
		{"badexample.org", "example.org", false},
		{"org", "example.org", false},
		{"co.uk", "example.co.uk", false},
		{"", "", false},
	} {
		if got := Aligned(test.signing, test.from); got != test.want {
			t.Errorf("Aligned(%q, %q) = %v", test.signing, test.from, got)
		}
	}
}

func FuzzVerifier(f *testing.F) {
	f.Add([]byte("DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from; bh=AA==; b=AA==\r\nFrom: a@b.example\r\n\r\nHi\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got, err := (Verifier{Resolver: zone{err: errors.New("none")}}).Verify(context.Background(), raw); len(got) > 0 {
			t.Errorf("%v, %v", got, err)
		}
	})
}
