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
		check      func(string) error
	}{
		{"operator", "Your name, as the people you write to know you (shown on their page)", &st.operator, checkOperator},
		{"next-hop", "Where mail goes today: your smarthost, such as smtp+starttls://user:pass@host:587, or mx", &st.nextHop, nil},
		{"host", "Host name of the unsubscribe links", &st.host, checkHost("--host")},
		{"feedback-domain", "Domain of bounce addresses, with its MX on this server", &st.feedback, checkHost("--feedback-domain")},
	} {
		if given[q.flag] {
			continue
		}
		if q.flag == "feedback-domain" && *q.value == "" {
			*q.value = st.host
		}
		if err := a.askOne(in, q.text, q.value, q.check); err != nil {
			return err
		}
	}
	for !given["newsletter"] {
		var text string
		err := a.askOne(in, "A newsletter's sender and name, such as news@"+st.domain+"=Weekly news (Enter: no more)", &text, func(s string) error {
			n, err := parseNewsletter(s)
			if err == nil {
				st.newsletters = append(st.newsletters, n)
			}
			return err
		})
		if err != nil || text == "" {
			return err
		}
	}
	return nil
}

// askOne asks until the answer is right.
func (a *app) askOne(in *bufio.Reader, question string, value *string, check func(string) error) error {
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
		if check != nil {
			if wrong := check(answer); wrong != nil {
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

func checkOperator(name string) error {
	if strings.ContainsAny(name, "\r\n\x00") || len(name) > 200 {
		return fault("--operator: write a name of at most 200 bytes in one line")
	}
	return nil
}

func checkHost(flag string) func(string) error {
	return func(name string) error {
		if _, err := parseDomain(name); err != nil {
			return fault("%s: %v", flag, err)
		}
		return nil
	}
}
