package nexthop

import (
	"slices"
	"strings"
	"testing"
)

// A hop that takes no ORCPT of a type gets the recipient without it; what it says
// of the recipient counts.
func TestOriginalThatIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		refusal string // of RCPT with ORCPT
		then    string // of RCPT without
		lines   int
		ok      bool
	}{
		"taken":             {"250 ok", "", 1, true},
		"type unknown":      {"501 5.5.4 Malformed ORCPT parameter value", "250 ok", 2, true},
		"not implemented":   {"555 5.5.4 unsupported parameter", "250 ok", 2, true},
		"the recipient too": {"501 5.5.4 bad parameter", "550 5.1.1 no such user", 2, false},
		"no such user":      {"550 5.1.1 no such user", "", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			hop := script(t, func(line string) string {
				switch {
				case strings.HasPrefix(line, "EHLO"):
					return "250-hop\r\n250 DSN\r\n"
				case strings.HasPrefix(line, "RCPT"):
					lines = append(lines, line)
					if strings.Contains(line, "ORCPT=") {
						return tt.refusal + "\r\n"
					}
					return tt.then + "\r\n"
				}
				return plainHop(line)
			})
			s, err := newHops(t, Config{Servers: []string{"smtp://" + hop}}, Parts{}).Open(t.Context(), "b.example")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Mail(Envelope{ReversePath: "news@example.com"}); err != nil {
				t.Fatal(err)
			}
			err = s.Rcpt(Recipient{Address: "ada@b.example", Notify: "FAILURE", Original: "x400;c=de"})
			if (err == nil) != tt.ok || len(lines) != tt.lines {
				t.Errorf("%v after %q", err, lines)
			}
			if slices.ContainsFunc(lines, func(l string) bool { return !strings.Contains(l, "NOTIFY=FAILURE") }) {
				t.Errorf("NOTIFY is lost in %q", lines)
			}
			s.close()
		})
	}
}
