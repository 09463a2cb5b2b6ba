package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"strings"

	"offramp/gateway/render"
)

// asking is what to ask for, and what is known already.
type asking struct {
	given func(flag string) bool // on the command line
	env   map[string]string
	again bool // there is a settings file: only what is empty there is asked for
}

// ask fills in what no flag gave, from the terminal. An empty line keeps what is
// proposed, and so does the end of the input.
func (a *app) ask(st *setup, about asking) error {
	in, given := bufio.NewReader(a.stdin), about.given
	for _, q := range []struct {
		flag, text string
		value      *string
		read       func(string) (string, error)
		setting    string // asked for again where it is empty
	}{
		{"operator", "Your name, as the people you write to know you (shown on their page)", &st.operator, readOperator, "OPERATOR_NAME"},
		{"next-hop", "Where mail goes today: your smarthost, such as smtp+starttls://user:pass@host:587, or mx", &st.nextHop, readNextHop(about.env), "NEXT_HOP"},
		{"host", "Host name of the unsubscribe links", &st.host, readHost("--host"), ""},
		{"feedback-domain", "Domain of bounce addresses, with its MX on this server", &st.feedback, readHost("--feedback-domain"), ""},
		{"footer", "Gmail, Yahoo and Microsoft want a visible unsubscribe link in newsletters. Where the text has none: add, or off", &st.footer, readFooter, "FOOTER"},
	} {
		if given(q.flag) || about.again && (q.setting == "" || about.env[prefix+q.setting] != "") {
			continue
		}
		if q.flag == "feedback-domain" && *q.value == "" {
			*q.value = st.host
		}
		if q.flag == "footer" && *q.value == "" {
			*q.value = render.Add
		}
		if err := a.askOne(in, q.text, q.value, q.read); err != nil {
			return err
		}
	}
	if about.again {
		return nil
	}
	if !given("newsletter") {
		a.say(newslettersAlone)
	}
	for !given("newsletter") {
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

func readFooter(value string) (string, error) {
	switch value {
	case "", render.Add, render.Off:
		return value, nil
	}
	return "", fault("--footer is %q: use add or off", value)
}

// readNextHop reads a next hop as serve will, with the listeners of env.
func readNextHop(env map[string]string) func(string) (string, error) {
	return func(value string) (string, error) {
		env := maps.Clone(env)
		env[prefix+"NEXT_HOP"] = value
		s := new(settings)
		_ = parseEnviron(s, env) // what is wrong with others is not asked for here
		err := s.Gateway.Validate()
		if err == nil {
			return value, nil
		}
		for _, line := range lines(err) {
			if rest, ok := strings.CutPrefix(line, prefix+"NEXT_HOP"); ok && variable(line) == prefix+"NEXT_HOP" {
				return "", fault("--next-hop%s", rest)
			}
		}
		return value, nil
	}
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
