package main

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"offramp/gateway/sink"
)

// explain prints what the demo has set up and what the three people got.
func (d *demo) explain(letters []sink.Message) error {
	a := d.app
	a.print("%s: everything runs on this machine, nothing leaves it.\n", a.paint("Offramp demo", bold))
	for _, row := range [][2]string{
		{"inbox", d.browserBase() + "/   (open this in a browser)"},
		{"mail in", d.settings.Gateway.SMTPAddr[0]},
		{"one-click", d.settings.Gateway.PublicURL + "/"},
		{"admin", "http://" + d.settings.Gateway.AdminAddr + "/metrics"},
	} {
		a.print("  %-10s %s", row[0], a.paint(row[1], cyan))
	}
	a.print("\nOne newsletter went in for three people. What Offramp added for each of them:\n")
	var columns [][]string
	for i := range people {
		of := d.lettersOf(people[i])
		columns = append(columns, d.added(i, of[0]))
	}
	d.sideBySide(columns)

	if err := d.verify(letters[0].Data); err != nil {
		a.print("\n  DKIM       %s", a.paint("fail: "+err.Error(), red))
		return silent{exitFailed}
	}
	a.print("\n  DKIM       %s   rsa-sha256 and ed25519-sha256, d=%s, both List-Unsubscribe fields covered", a.paint("pass", green), demoDomain)
	a.print("\nEach person's page:\n")
	for _, p := range people {
		a.print("  %-6s %s", p.Name, a.paint(d.browserURL(oneClickURI(d.lettersOf(p)[0].Data)), cyan))
	}
	a.print("\nUnsubscribe Ada as her mailbox provider does it:\n")
	a.print("  curl --cacert %s -d List-Unsubscribe=One-Click \\\n    %s", d.certFile, oneClickURI(d.lettersOf(people[0])[0].Data))
	a.print("\nSend your own mail through it:\n")
	a.print("  swaks --server %s --from %s --to ada@example.org --to you@example.org \\\n    --header 'List-Id: <%s>' --header 'Subject: Hello'", d.settings.Gateway.SMTPAddr[0], demoSender, demoList)
	a.print("\n%s then Enter: %s unsubscribe Ada as her provider would, %s send the next issue, %s quit.",
		a.paint("Press", bold), a.paint("u", bold), a.paint("s", bold), a.paint("q", bold))
	return nil
}

func (d *demo) browserBase() string { return "http://" + d.web.Addr().String() }

// added returns the lines that one person's message has and what went in did
// not have.
func (d *demo) added(i int, m sink.Message) []string {
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
func (d *demo) sideBySide(columns [][]string) {
	width := 108
	if n, err := strconv.Atoi(d.app.env["COLUMNS"]); err == nil && n > 0 {
		width = n
	}
	each := (width - 2 - 3*(len(columns)-1)) / len(columns)
	if each < 26 {
		for _, c := range columns {
			d.app.print("  %s\n", strings.Join(c, "\n  "))
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
				cells[i] = d.app.paint(cells[i], bold)
			}
		}
		d.app.print("  %s", strings.TrimRight(strings.Join(cells, d.app.paint(" │ ", dim)), " "))
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
