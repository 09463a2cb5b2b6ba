package trial

import (
	"strings"
	"testing"

	"offramp/gateway/sink"
)

// mailtoAddress is the address of the mailto URI of the List-Unsubscribe field.
func mailtoAddress(data []byte) string {
	_, rest, _ := strings.Cut(field(data, "List-Unsubscribe"), "<mailto:")
	uri, _, _ := strings.Cut(rest, ">")
	address, _, _ := strings.Cut(uri, "?")
	return strings.ReplaceAll(address, "%2B", "+")
}

// An opt-out by mail: the address decides, automatic mail never does.
func TestOptOutByMail(t *testing.T) {
	s, err := sink.Start(sink.Options{})
	must(t, err)
	defer s.Close()
	p := start(t, "smtp://"+s.Addr())
	address := mailtoAddress(sendAndWait(t, p, s, "ada@dest.example").Data)
	if !strings.HasPrefix(address, "u+") {
		t.Fatalf("no opt-out address: %q", address)
	}
	mail := func(from, to, header string) error {
		c, err := dial(p.smtp)
		must(t, err)
		defer c.close()
		return c.send(from, []string{to}, []byte(header+"From: Somebody Else <else@where.example>\r\nSubject: Re: unsubscribe\r\n\r\n\r\n"))
	}
	for _, automatic := range []struct{ from, header string }{
		{"", ""},
		{"ada@dest.example", "Auto-Submitted: auto-replied\r\n"},
		{"ada@dest.example", "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n"},
	} {
		if err := mail(automatic.from, address, automatic.header); err != nil {
			t.Errorf("automatic mail is refused: %v", err)
		}
	}
	if out, _ := p.run("suppress", "list", "--json"); strings.TrimSpace(out) != "" {
		t.Fatalf("automatic mail opted somebody out: %s", out)
	}
	for i := range len("u+") + 8 {
		forged := []byte(address)
		j := len("u+") + i
		forged[j] = 'a' + (forged[j]-'a'+1)%26
		if err := mail("ada@dest.example", string(forged), ""); err == nil || !strings.Contains(err.Error(), "550") || !strings.Contains(err.Error(), "5.1.1") {
			t.Errorf("forged address %s: %v, want 550 5.1.1", forged, err)
		}
	}
	// Clients and servers on the way may change the case.
	if err := mail("else@where.example", strings.ToUpper(address), ""); err != nil {
		t.Fatal(err)
	}
	sendAndWait(t, p, s, "ben@dest.example", "ada@dest.example")
	if n := deliveriesTo(s, "ada@dest.example"); n != 1 {
		t.Errorf("ada opted out by mail and has %d messages, want 1", n)
	}
}
