package main

import (
	"errors"
	"strings"
	"testing"
)

// SPF names what really sends.
func TestSendingBy(t *testing.T) {
	for hops, want := range map[string]string{
		"mx": "a:offramp.example.org",
		"smtp+starttls://u:p@email-smtp.eu-west-1.amazonaws.com:587":                     "include:amazonses.com",
		"smtps://u:p@SMTP.SendGrid.net":                                                  "include:sendgrid.net",
		"smtp+starttls://u:p@smtp.eu.mailgun.org:587":                                    "include:mailgun.org",
		"smtp+starttls://u:p@smtp.postmarkapp.com,smtps://u:p@in-v3.mailjet.com":         "include:spf.mtasv.net include:spf.mailjet.com",
		"smtp://smtp-relay.gmail.com:25,smtp+starttls://smtp-relay.gmail.com":            "include:_spf.google.com",
		"smtp://example-org.mail.protection.outlook.com":                                 "include:spf.protection.outlook.com",
		"smtp+starttls://u:p@smtp-relay.brevo.com:587":                                   "include:spf.brevo.com",
		"smtp://notsendgrid.net:25":                                                      "",
		"smtp://sendgrid.net.evil.example:25":                                            "",
		"smtp://127.0.0.1:25":                                                            "",
		"smtp+starttls://u:p@smtp.sendgrid.net:587,smtp+starttls://mail.example.com:587": "include:sendgrid.net",
		"": "",
	} {
		got := sendingBy(strings.Split(hops, ","), "offramp.example.org")
		if strings.Join(got.mechanisms, " ") != want || got.note == "" {
			t.Errorf("%s: %q (%s), want %q", hops, got.mechanisms, got.note, want)
		}
		if strings.Contains(got.note, "u:p") {
			t.Errorf("%s: the note has a password: %s", hops, got.note)
		}
	}
	for hop, want := range map[string]string{
		"smtp://mail.example.com:25": "SPF: add what your smarthost tells you for mail.example.com",
		"smtp://10.0.0.3:25":         "SPF: the servers that your mail leaves from by way of 10.0.0.3",
		"":                           "SPF: what sends is known once OFFRAMP_NEXT_HOP is set",
	} {
		if got := sendingBy([]string{hop}, "x.example"); !strings.HasPrefix(got.note, want) {
			t.Errorf("%s: %s", hop, got.note)
		}
	}
}

func TestMergeSPF(t *testing.T) {
	for _, c := range []struct {
		have []string
		add  string
		want string
	}{
		{[]string{"v=spf1 mx -all"}, "include:a.example", "v=spf1 mx include:a.example -all"},
		{[]string{"v=spf1 -all"}, "a:h.example", "v=spf1 a:h.example -all"},
		{[]string{"v=spf1"}, "a:h.example", "v=spf1 a:h.example"},
		{[]string{"v=spf1 +INCLUDE:a.example ~all"}, "include:a.example", "v=spf1 +INCLUDE:a.example ~all"},
		{[]string{"v=spf1 redirect=_spf.example.com"}, "include:a.example", "v=spf1 include:a.example redirect=_spf.example.com"},
		{[]string{"v=spf1 mx ~all", "v=spf1 include:b.example mx -all"}, "include:a.example", "v=spf1 mx include:b.example include:a.example ~all"},
		{[]string{"v=spf1 redirect=x.example", "v=spf1 mx -all"}, "", "v=spf1 mx -all"},
		{[]string{"v=spf1 ip4:192.0.2.1 exists:%{i}.x.example ?all exp=e.example"}, "a:h.example", "v=spf1 ip4:192.0.2.1 exists:%{i}.x.example exp=e.example a:h.example ?all"},
	} {
		if got := mergeSPF(c.have, strings.Fields(c.add)); got != c.want {
			t.Errorf("%q and %s: %s, want %s", c.have, c.add, got, c.want)
		}
	}
}

// Records that are there are merged or left, never doubled.
func TestMergeExisting(t *testing.T) {
	spf := resourceRecord{Name: "news.example.org", Type: "TXT", Value: "v=spf1 include:a.example ~all", Note: "SPF: x", kind: kindSPF}
	open := resourceRecord{Name: "news.example.org", Type: "TXT", Note: "SPF: add it", kind: kindSPF}
	dmarc := resourceRecord{Name: "_dmarc.news.example.org", Type: "TXT", Value: "v=DMARC1; p=none", Note: "DMARC: x", kind: kindDMARC}
	txt := func(name string, texts ...string) fakeDNS { return fakeDNS{txt: map[string][]string{name: texts}} }
	for name, c := range map[string]struct {
		record resourceRecord
		dns    fakeDNS
		value  string
		note   string
		state  string
		zone   string // what is printed holds it
	}{
		"no SPF":          {spf, txt("news.example.org.", "site=1", "v=spf10 mx"), spf.Value, "SPF: x", "", "news.example.org.\t3600"},
		"SPF":             {spf, txt("news.example.org.", "v=spf1 mx -all"), "v=spf1 mx include:a.example -all", "in the place of the record that is there", "", ";   was: v=spf1 mx -all"},
		"SPF names it":    {spf, txt("news.example.org.", "v=spf1 include:a.example -all"), "v=spf1 include:a.example -all", "published already", stateOK, "; SPF: published already"},
		"two SPF":         {spf, txt("news.example.org.", "v=spf1 mx -all", "v=spf1 a ~all"), "v=spf1 mx a include:a.example -all", "there are 2 records, which is a permanent error", "", "v=spf1 mx a include:a.example -all"},
		"SPF, unknown":    {open, txt("news.example.org.", "v=spf1 mx -all"), "", "to the record that is there: a second record is a permanent error", "", "; news.example.org. IN TXT: SPF: add it"},
		"control codes":   {spf, txt("news.example.org.", "v=spf1 mx\x1b[2J -all"), "v=spf1 mx\uFFFD[2J include:a.example -all", "in the place", "", "\uFFFD"},
		"DNS silent":      {spf, fakeDNS{err: errors.New("i/o timeout")}, spf.Value, "never add a second one", "", "never add a second one"},
		"no DMARC":        {dmarc, txt("_dmarc.org.", "v=DMARC1; p=none"), dmarc.Value, "DMARC: x", "", "_dmarc.news.example.org.\t3600"},
		"DMARC":           {dmarc, txt("_dmarc.news.example.org.", "v=DMARC1; p=reject"), "v=DMARC1; p=reject", "do not add a second", stateOK, "; DMARC: _dmarc.news.example.org is published"},
		"DMARC above":     {dmarc, txt("_dmarc.example.org.", "v=DMARC1; p=reject"), "v=DMARC1; p=reject", "_dmarc.example.org is published", stateOK, "; DMARC: _dmarc.example.org is published"},
		"two DMARC":       {dmarc, txt("_dmarc.news.example.org.", "v=DMARC1; p=none", "v=DMARC1; p=reject"), "v=DMARC1; p=none", "has 2 records, so none of them counts", stateDiffers, "; DMARC: _dmarc.news.example.org has 2"},
		"DMARC, DNS down": {dmarc, fakeDNS{err: errors.New("i/o timeout")}, dmarc.Value, "never add a second one", "", "_dmarc.news.example.org.\t3600"},
	} {
		all := []resourceRecord{c.record}
		mergeExisting(t.Context(), c.dns, all)
		got := all[0]
		if got.Value != c.value || !strings.Contains(got.Note, c.note) || got.State != c.state {
			t.Errorf("%s: %q, %s, %s", name, got.Value, got.State, got.Note)
		}
		var out strings.Builder
		(&app{stdout: &out}).printZone(all)
		if !strings.Contains(out.String(), c.zone) {
			t.Errorf("%s: printed %s", name, &out)
		}
		if published := strings.Contains(out.String(), ".\t3600\t"); published && c.state != "" {
			t.Errorf("%s: a record to publish: %s", name, &out)
		}
	}
}
