package main

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeDNS answers from maps; a name in none of them does not exist.
type fakeDNS struct {
	txt  map[string][]string
	mx   map[string][]*net.MX
	host map[string][]string
	err  error
}

var errNoName = &net.DNSError{Err: "no such host", IsNotFound: true}

func answerOf[T any](f fakeDNS, from map[string][]T, name string) ([]T, error) {
	if f.err != nil {
		return nil, f.err
	}
	if found, ok := from[name]; ok {
		return found, nil
	}
	return nil, errNoName
}

func (f fakeDNS) LookupTXT(_ context.Context, name string) ([]string, error) {
	return answerOf(f, f.txt, name)
}

func (f fakeDNS) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	return answerOf(f, f.mx, name)
}

func (f fakeDNS) LookupHost(_ context.Context, name string) ([]string, error) {
	return answerOf(f, f.host, name)
}

func TestCheckRecords(t *testing.T) {
	dkim := resourceRecord{Name: "s1._domainkey.example.org", Type: "TXT", Value: "v=DKIM1; k=rsa; p=QUJD"}
	spf := resourceRecord{Name: "example.org", Type: "TXT", Value: "v=spf1 a:offramp.example.org ~all", kind: kindSPF}
	hosts := resourceRecord{Name: "example.org", Type: "TXT", Value: "v=spf1 include:sendgrid.net include:mailgun.org ~all", kind: kindSPF}
	spfAt := func(texts ...string) fakeDNS {
		dns := fakeDNS{txt: map[string][]string{}}
		for i := 0; i < len(texts); i += 2 {
			dns.txt[texts[i]+"."] = []string{texts[i+1]}
		}
		return dns
	}
	dmarc := resourceRecord{Name: "_dmarc.example.org", Type: "TXT", Value: "v=DMARC1; p=none"}
	mx := resourceRecord{Name: "offramp.example.org", Type: "MX", Value: "10 offramp.example.org."}
	a := resourceRecord{Name: "offramp.example.org", Type: "A"}
	for name, c := range map[string]struct {
		record resourceRecord
		dns    fakeDNS
		want   string
	}{
		"key published":             {dkim, fakeDNS{txt: map[string][]string{"s1._domainkey.example.org.": {"v=DKIM1; k=rsa; p=QU JD"}}}, stateOK},
		"key with other tags":       {dkim, fakeDNS{txt: map[string][]string{"s1._domainkey.example.org.": {"v=DKIM1; h=sha256; p=QUJD; t=s"}}}, stateOK},
		"another key":               {dkim, fakeDNS{txt: map[string][]string{"s1._domainkey.example.org.": {"v=DKIM1; k=rsa; p=WFla"}}}, stateDiffers},
		"revoked key":               {dkim, fakeDNS{txt: map[string][]string{"s1._domainkey.example.org.": {"v=DKIM1; p="}}}, stateDiffers},
		"key missing":               {dkim, fakeDNS{}, stateMissing},
		"other text at the name":    {dkim, fakeDNS{txt: map[string][]string{"s1._domainkey.example.org.": {"hello"}}}, stateMissing},
		"DNS silent":                {dkim, fakeDNS{err: errors.New("i/o timeout")}, stateUnknown},
		"SPF as wanted":             {spf, fakeDNS{txt: map[string][]string{"example.org.": {"site=1", "v=spf1 mx a:offramp.example.org -all"}}}, stateOK},
		"SPF in other letters":      {spf, spfAt("example.org", "v=SPF1 +A:Offramp.Example.org -all"), stateOK},
		"SPF of another host":       {spf, spfAt("example.org", "v=spf1 a:offramp.example.org.evil.example -all"), stateDiffers},
		"SPF of both smarthosts":    {hosts, spfAt("example.org", "v=spf1 include:mailgun.org include:sendgrid.net -all"), stateOK},
		"SPF of one smarthost":      {hosts, spfAt("example.org", "v=spf1 include:sendgrid.net -all"), stateDiffers},
		"SPF of another smarthost":  {hosts, spfAt("example.org", "v=spf1 include:other.example -all"), stateDiffers},
		"SPF by way of an include":  {hosts, spfAt("example.org", "v=spf1 include:_spf.example.org include:mailgun.org -all", "_spf.example.org", "v=spf1 include:sendgrid.net ?all"), stateOK},
		"SPF by way of a redirect":  {spf, spfAt("example.org", "v=spf1 redirect=_spf.example.org", "_spf.example.org", "v=spf1 a:offramp.example.org -all"), stateOK},
		"SPF that includes itself":  {spf, spfAt("example.org", "v=spf1 include:example.org -all"), stateDiffers},
		"SPF leaves us out":         {spf, fakeDNS{txt: map[string][]string{"example.org.": {"v=spf1 mx -all"}}}, stateDiffers},
		"two SPF records":           {spf, fakeDNS{txt: map[string][]string{"example.org.": {"v=spf1 a:offramp.example.org -all", "v=spf1 -all"}}}, stateDiffers},
		"stricter DMARC":            {dmarc, fakeDNS{txt: map[string][]string{"_dmarc.example.org.": {"v=DMARC1; p=reject"}}}, stateOK},
		"MX here":                   {mx, fakeDNS{mx: map[string][]*net.MX{"offramp.example.org.": {{Host: "OFFRAMP.example.org.", Pref: 5}}}}, stateOK},
		"MX elsewhere":              {mx, fakeDNS{mx: map[string][]*net.MX{"offramp.example.org.": {{Host: "mail.example.net.", Pref: 5}}}}, stateDiffers},
		"MX missing":                {mx, fakeDNS{}, stateMissing},
		"host has an address":       {a, fakeDNS{host: map[string][]string{"offramp.example.org.": {"192.0.2.1"}}}, stateOK},
		"host missing":              {a, fakeDNS{}, stateMissing},
		"record nobody can ask for": {resourceRecord{Name: "x", Type: "PTR"}, fakeDNS{}, stateUnknown},
	} {
		got := checkRecords(t.Context(), c.dns, []resourceRecord{c.record})
		if got[0].State != c.want {
			t.Errorf("%s: %s (have %q), want %s", name, got[0].State, got[0].Have, c.want)
		}
	}
}

// The exit code says whether to publish something or to ask again.
func TestPrintCheckedEnds(t *testing.T) {
	for name, c := range map[string]struct {
		records []resourceRecord
		want    int
	}{
		"all there":                   {[]resourceRecord{{Need: must, State: stateOK}, {Need: should, State: stateUnknown}}, exitOK},
		"advice missing":              {[]resourceRecord{{Need: should, State: stateMissing}}, exitOK},
		"needed one missing":          {[]resourceRecord{{Need: must, State: stateMissing}, {Need: must, State: stateUnknown}}, exitFailed},
		"needed one not answered":     {[]resourceRecord{{Need: must, State: stateOK}, {Need: must, State: stateUnknown}}, exitTempFail},
		"needed one with other value": {[]resourceRecord{{Need: must, State: stateDiffers}}, exitFailed},
	} {
		a := &app{stdout: io.Discard}
		if got := exitCode(a.printChecked(c.records)); got != c.want {
			t.Errorf("%s: exit code %d, want %d", name, got, c.want)
		}
	}
}

// Columns line up also where the cells at the end of a row are empty, and no
// line ends with blanks.
func TestPrintTable(t *testing.T) {
	var out strings.Builder
	a := &app{stdout: &out}
	if err := a.printTable([][]string{{"LIST", "SINCE", "NAME"}, {"a.example", "2026-11-23", ""}, {"b\x1b", "", ""}}); err != nil {
		t.Fatal(err)
	}
	want := "LIST       SINCE       NAME\na.example  2026-11-23\nb\uFFFD\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestParseDomain(t *testing.T) {
	for in, want := range map[string]string{"Example.ORG": "example.org", "bücher.example": "xn--bcher-kva.example", "localhost": "", "": "", "[192.0.2.1]": "", "a b.c": "", "x@example.org": ""} {
		got, err := parseDomain(in)
		if (err != nil) != (want == "") || got != want {
			t.Errorf("parseDomain(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

// Only keys that can sign for the domain are among its records.
func TestZoneRecords(t *testing.T) {
	z := zone{domain: "news.example.org", hostname: "mx.example.org", feedback: "bounce.example.org", webHost: "out.example.org", sends: sendingBy([]string{"mx"}, "mx.example.org")}
	all, err := z.records()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		got = append(got, r.Type+" "+r.Name+" "+r.Value)
	}
	want := []string{
		"TXT offramp._domainkey.news.example.org ", "TXT news.example.org v=spf1 a:mx.example.org ~all",
		"TXT _dmarc.news.example.org v=DMARC1; p=none; rua=mailto:postmaster@news.example.org",
		"MX bounce.example.org 10 mx.example.org.", "A out.example.org ", "CAA out.example.org ", "PTR mx.example.org ",
		"TXT bounce.example.org v=spf1 a:mx.example.org ~all",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
