package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/gateway/sink"
)

var (
	codeLink = regexp.MustCompile(`(?m)^https://u\.trial\.example/c/[A-Za-z0-9_-]+\r?$`)
	codeLine = regexp.MustCompile(`(?m)^\d{4} \d{4}\r?$`)
)

// codeMails are the links and codes that came by mail for somebody, in the
// order of the mail.
func codeMails(t testing.TB, s *sink.Sink, to string) (found [][2]string) {
	t.Helper()
	seen := map[string]bool{} // a kill after a delivery may have the same mail sent again
	for _, m := range s.Messages() {
		if !slices.ContainsFunc(m.Recipients, func(r string) bool { return strings.EqualFold(r, to) }) {
			continue
		}
		parsed, err := mail.ReadMessage(bytes.NewReader(m.Data))
		must(t, err)
		id := parsed.Header.Get("Message-Id")
		if parsed.Header.Get("Auto-Submitted") == "" || seen[id] {
			continue
		}
		seen[id] = true
		body, err := io.ReadAll(quotedprintable.NewReader(parsed.Body))
		must(t, err)
		link, code := codeLink.FindAllString(string(body), -1), codeLine.FindAllString(string(body), -1)
		if len(link) != 1 || len(code) != 1 || m.ReversePath != "" {
			t.Fatalf("%d links, %d codes, from %q:\n%s", len(link), len(code), m.ReversePath, body)
		}
		found = append(found, [2]string{strings.TrimSpace(link[0]), strings.TrimSpace(code[0])})
	}
	return found
}

// codeFor presses the button that has a code sent, and reads the mail.
func (p *process) codeFor(s *sink.Sink, to, at, button string) (link, code string) {
	p.t.Helper()
	before := len(codeMails(p.t, s, to))
	asked := p.open(at).press(button)
	if asked.status != 200 || !strings.Contains(asked.text, "type the code from it") {
		p.t.Fatalf("%d\n%s", asked.status, asked.text)
	}
	var all [][2]string
	must(p.t, poll(30*time.Second, func() error {
		if all = codeMails(p.t, s, to); len(all) == before {
			return errors.New("no mail with a code came")
		}
		return nil
	}))
	return all[before][0], all[before][1]
}

// eraseByPage erases somebody as a person does: a button, a mail, a code.
func (p *process) eraseByPage(s *sink.Sink, to, at string) {
	p.t.Helper()
	link, code := p.codeFor(s, to, at, eraseButton)
	erased := p.open(link).press(eraseButton, "code", code)
	if erased.status != 200 || erased.heading() != "What we knew about you is erased" {
		p.t.Fatalf("%d %q\n%s", erased.status, erased.heading(), erased.text)
	}
}

const (
	eraseButton    = "Erase everything about me"
	downloadButton = "Download everything as a file (JSON)"
)

// The code comes by real mail, also to somebody who left everything and
// complained; it survives a kill, as do the tries; and the file that it opens is
// about nobody else.
func TestDataByCode(t *testing.T) {
	c := startChoices(t)
	person, witness := "walburga@dest.example", "witness@dest.example"
	c.mail(person, witness)
	c.drained()
	page := sealed(c.process, weekly, person)
	c.process.open(page).press("Unsubscribe from all lists")
	c.run("suppress", "add", person, "--reason", "complained")
	link, code := c.codeFor(c.s, person, page+"?view=history", downloadButton)

	tries := func(n int) {
		t.Helper()
		for i := range n {
			wrong := fmt.Sprintf("%04d 0000", i)
			if answer := c.process.open(link).press("Continue", "code", wrong); answer.status != 422 || code == wrong {
				t.Fatalf("a wrong code: %d\n%s", answer.status, answer.text)
			}
		}
	}
	tries(2)
	c.kill()
	c.start()
	tries(2)
	opened := c.process.open(link).press("Continue", "code", code)
	file := opened.press(downloadButton)
	var held struct {
		Recipient string
		Choices   []struct{ List, State string }
		Events    []struct{ Kind, IP string }
	}
	if err := json.Unmarshal([]byte(file.text), &held); err != nil || file.status != 200 {
		t.Fatalf("%d %v\n%s", file.status, err, file.text)
	}
	if held.Recipient != person || len(held.Choices) != 1 || len(held.Events) == 0 || strings.Contains(file.text, "witness") {
		t.Errorf("%+v", held)
	}
	if receipt := opened.press("Receipt"); receipt.status != 200 || !strings.HasPrefix(receipt.text, "offramp receipt v1") {
		t.Errorf("receipt: %d\n%s", receipt.status, receipt.text)
	}
	// Five were typed, and the process knows it after a kill.
	c.kill()
	c.start()
	if answer := c.process.open(link).press("Continue", "code", code); answer.status != 429 {
		t.Errorf("the sixth code: %d\n%s", answer.status, answer.text)
	}
	if n := len(codeMails(t, c.s, witness)); n != 0 {
		t.Errorf("the witness got %d codes", n)
	}
}

// To a dead address none is sent; the operator's command erases.
func TestNoCodeForADeadAddress(t *testing.T) {
	c := startChoices(t)
	dead := "dead@dest.example"
	c.mail(dead)
	c.drained()
	c.run("suppress", "add", dead, "--reason", "bounced")
	answer := c.process.open(sealed(c.process, weekly, dead) + "?view=erase").press(eraseButton)
	if answer.status != 409 || !strings.Contains(answer.text, "postmaster@") || !strings.Contains(answer.text, "came back") {
		t.Errorf("%d\n%s", answer.status, answer.text)
	}
	if n := deliveriesTo(c.s, dead); n != 3 {
		t.Errorf("%d messages, want the 3 of the lists", n)
	}
	if out, code := c.run("recipient", "erase", dead, "--yes"); code != 0 || strings.Contains(out, "Nothing was held") {
		t.Errorf("exit %d %s", code, out)
	}
}

// A process that was killed knows how many codes it mailed today; and one mail
// erases a few times, not as often as its form is sent.
func TestCodesOfADay(t *testing.T) {
	c := startChoices(t)
	person := "notburga@dest.example"
	c.mail(person)
	c.drained()
	at := sealed(c.process, weekly, person) + "?view=erase"
	var link, code string
	for range 3 {
		link, code = c.codeFor(c.s, person, at, eraseButton)
		c.kill()
		c.start()
	}
	if answer := c.process.open(at).press(eraseButton); answer.status != 200 || !strings.Contains(answer.text, "in the last 24 hours") {
		t.Errorf("the fourth: %d\n%s", answer.status, answer.text)
	}
	form := c.process.open(link)
	for range 8 {
		if erased := form.press(eraseButton, "code", code); erased.status != 200 || erased.heading() != "What we knew about you is erased" {
			t.Errorf("%d\n%s", erased.status, erased.text)
		}
	}
	if n := len(codeMails(t, c.s, person)); n != 3 {
		t.Errorf("%d codes were mailed", n)
	}
	out, _ := c.run("events", "--recipient", person, "--kind", "erased", "--json")
	if n := strings.Count(out, `"erased"`); n != 5 {
		t.Errorf("erased %d times: %s", n, out)
	}
}
