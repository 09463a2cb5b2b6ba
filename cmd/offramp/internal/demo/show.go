package demo

import (
	"strings"
	"unicode/utf8"

	"offramp/cmd/offramp/internal/terminal"
	"offramp/gateway/sink"
)

// explain prints what the demo has set up and what the three people got.
func (d *Demo) explain(letters []sink.Message) error {
	a := d.Screen
	a.Print("%s: everything runs on this machine, nothing leaves it.\n", a.Paint("Offramp demo", terminal.Bold))
	for _, row := range [][2]string{
		{"inbox", d.browserBase() + "/   (open this in a browser)"},
		{"mail in", d.server.SMTPAddr},
		{"one-click", d.server.PublicURL + "/"},
		{"admin", "http://" + d.server.AdminAddr + "/metrics"},
	} {
		a.Print("  %-10s %s", row[0], a.Paint(row[1], terminal.Cyan))
	}
	a.Print("\nOne newsletter went in for three people. What Offramp added for each of them:\n")
	var columns [][]string
	for i := range people {
		of := d.lettersOf(people[i])
		columns = append(columns, d.added(i, of[0]))
	}
	d.sideBySide(columns)

	if err := d.verify(letters[0].Data); err != nil {
		a.Print("\n  DKIM       %s", a.Paint("fail: "+err.Error(), terminal.Red))
		return ErrFailed
	}
	a.Print("\n  DKIM       %s   rsa-sha256 and ed25519-sha256, d=%s, both List-Unsubscribe fields covered", a.Paint("pass", terminal.Green), Domain)
	a.Print("\nEach person's page:\n")
	for _, p := range people {
		a.Print("  %-6s %s", p.Name, a.Paint(d.browserURL(oneClickURI(d.lettersOf(p)[0].Data)), terminal.Cyan))
	}
	a.Print("\nUnsubscribe Ada as her mailbox provider does it:\n")
	a.Print("  curl --cacert %s -d List-Unsubscribe=One-Click \\\n    %s", d.server.CertFile, oneClickURI(d.lettersOf(people[0])[0].Data))
	a.Print("\nSend your own mail through it:\n")
	a.Print("  swaks --server %s --from %s --to ada@example.org --to you@example.org \\\n    --header 'List-Id: <%s>' --header 'Subject: Hello'", d.server.SMTPAddr, sender, list)
	a.Print("\nCheck every part of the way of a newsletter:\n")
	a.Print("  offramp --env-file %s send-test --to %s \\\n    --ca %s --dns %s", d.server.EnvFile, people[1].Address, d.server.CertFile, d.dns.LocalAddr())
	a.Print("\n%s then Enter: %s unsubscribe Ada as her provider would, %s send the next issue, %s quit.",
		a.Paint("Press", terminal.Bold), a.Paint("u", terminal.Bold), a.Paint("s", terminal.Bold), a.Paint("q", terminal.Bold))
	return nil
}

func (d *Demo) browserBase() string { return "http://" + d.web.Addr().String() }

// added returns the lines that one person's message has and what went in did
// not have.
func (d *Demo) added(i int, m sink.Message) []string {
	lines := []string{people[i].Name + " <" + people[i].Address + ">"}
	for _, name := range []string{"List-Unsubscribe", "List-Unsubscribe-Post"} {
		lines = append(lines, name+":")
		for word := range strings.FieldsSeq(fieldOf(m.Data, name)) {
			lines = append(lines, " "+word)
		}
	}
	return lines
}

// sideBySide prints columns beside each other, or below each other where the
// terminal is narrow.
func (d *Demo) sideBySide(columns [][]string) {
	width := d.Width
	if width == 0 {
		width = 108
	}
	each := (width - 2 - 3*(len(columns)-1)) / len(columns)
	if each < 26 {
		for _, c := range columns {
			d.Screen.Print("  %s\n", strings.Join(c, "\n  "))
		}
		return
	}
	height := 0
	for i := range columns {
		columns[i] = wrap(columns[i], each)
		height = max(height, len(columns[i]))
	}
	for row := range height {
		cells := make([]string, len(columns))
		for i, c := range columns {
			if row < len(c) {
				cells[i] = c[row]
			}
			cells[i] += strings.Repeat(" ", each-utf8.RuneCountInString(cells[i]))
			if row == 0 {
				cells[i] = d.Screen.Paint(cells[i], terminal.Bold)
			}
		}
		d.Screen.Print("  %s", strings.TrimRight(strings.Join(cells, d.Screen.Paint(" │ ", terminal.Dim)), " "))
	}
}

// wrap cuts lines that are wider than width.
func wrap(lines []string, width int) []string {
	var out []string
	for _, line := range lines {
		for len(line) > width {
			out = append(out, line[:width])
			line = "   " + line[width:]
		}
		out = append(out, line)
	}
	return out
}
