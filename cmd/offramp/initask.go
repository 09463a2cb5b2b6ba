package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// ask fills in what no flag gave, from the terminal. An empty line keeps what is
// proposed, and so does the end of the input.
func (a *app) ask(st *setup, given map[string]bool) error {
	in := bufio.NewReader(a.stdin)
	for _, q := range []struct {
		flag, text string
		value      *string
		read       func(string) (string, error)
	}{
		{"operator", "Your name, as the people you write to know you (shown on their page)", &st.operator, readOperator},
		{"next-hop", "Where mail goes today: your smarthost, such as smtp+starttls://user:pass@host:587, or mx", &st.nextHop, nil},
		{"host", "Host name of the unsubscribe links", &st.host, readHost("--host")},
		{"feedback-domain", "Domain of bounce addresses, with its MX on this server", &st.feedback, readHost("--feedback-domain")},
	} {
		if given[q.flag] {
			continue
		}
		if q.flag == "feedback-domain" && *q.value == "" {
			*q.value = st.host
		}
		if err := a.askOne(in, q.text, q.value, q.read); err != nil {
			return err
		}
	}
	if !given["newsletter"] {
		a.say(newslettersAlone)
	}
	for !given["newsletter"] {
		var text string
		err := a.askOne(in, "A newsletter's sender and name, such as news@"+st.domain+"=Weekly news (Enter: no more)", &text, func(s string) (string, error) {
			n, err := parseNewsletter(s)
			if err == nil {
				st.newsletters = append(st.newsletters, n)
			}
			return s, err
		})
		if err != nil || text == "" {
			return err
		}
	}
	return nil
}

// askOne asks until read, where it is given, takes the answer.
func (a *app) askOne(in *bufio.Reader, question string, value *string, read func(string) (string, error)) error {
	for {
		proposed := ""
		if *value != "" {
			proposed = " [" + *value + "]"
		}
		fmt.Fprintf(a.stderr, "%s%s: ", question, proposed)
		line, err := in.ReadString('\n')
		if err != nil && err != io.EOF {
			return err
		}
		answer := strings.TrimSpace(line)
		if answer == "" {
			return nil
		}
		if read != nil {
			var wrong error
			if answer, wrong = read(answer); wrong != nil {
				a.say("%v", wrong)
				if err == nil {
					continue
				}
				return wrong
			}
		}
		*value = answer
		return nil
	}
}

func readOperator(name string) (string, error) {
	if strings.ContainsAny(name, "\r\n\x00") || len(name) > 200 {
		return "", fault("--operator: write a name of at most 200 bytes in one line")
	}
	return name, nil
}

// readHost returns a name in lower case and A-labels, which is how the settings
// want it.
func readHost(flag string) func(string) (string, error) {
	return func(name string) (string, error) {
		domain, err := parseDomain(name)
		if err != nil {
			return "", fault("%s: %v", flag, err)
		}
		return domain, nil
	}
}
