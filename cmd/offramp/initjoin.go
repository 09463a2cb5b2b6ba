package main

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// join adds the domain to the settings that are there. What they say stays; what
// they leave open is filled in from the command line.
func (a *app) join(st *setup, env map[string]string) error {
	entries := strings.FieldsFunc(env[prefix+"DKIM_KEYS"], func(r rune) bool { return r == ',' })
	if len(entries) > 0 {
		first, _, _ := strings.Cut(strings.TrimSpace(entries[0]), ":")
		st.joins = !strings.EqualFold(first, st.domain)
	}
	var added []string
	for _, k := range st.keys {
		same := func(entry string) bool {
			return strings.HasPrefix(strings.TrimSpace(entry), k.domain+":"+k.selector+":")
		}
		if !slices.ContainsFunc(entries, same) {
			added = append(added, k.setting())
		}
	}
	if len(added) > 0 {
		all := strings.Join(append(entries, added...), ",")
		if err := a.setSetting(st, prefix+"DKIM_KEYS", all, "added "+strings.Join(added, ",")+" to"); err != nil {
			return err
		}
	}
	public := ""
	if st.host != "" {
		public = "https://" + st.host
	}
	for _, s := range []struct{ name, value, flag string }{
		{"PUBLIC_URL", public, "--host"}, {"FEEDBACK_DOMAIN", st.feedback, "--feedback-domain"},
		{"NEXT_HOP", st.nextHop, "--next-hop"}, {"OPERATOR_NAME", st.operator, "--operator"}, {"FOOTER", st.footer, "--footer"},
		{"STREAM_RULES", rulesOf(st), "--newsletter"},
	} {
		switch have := env[prefix+s.name]; {
		case s.value == "" || have == s.value:
		case have != "":
			a.say("left   %s%s in %s as it is: %s is for what is not set yet", prefix, s.name, st.file, s.flag)
		default:
			if err := a.setSetting(st, prefix+s.name, s.value, "set"); err != nil {
				return err
			}
		}
	}
	if !st.fileChanged {
		a.say("kept   %s", st.file)
	}
	return nil
}

// rulesOf is the file of rules where the command line brought a rule.
func rulesOf(st *setup) string {
	if len(st.newsletters) == 0 {
		return ""
	}
	return st.rules
}

// setSetting changes one setting, unless the process's environment hides the file's.
func (a *app) setSetting(st *setup, name, value, what string) error {
	if _, hidden := a.env[name]; hidden {
		a.say("left   %s as it is, since the environment sets it: make it %s", name, value)
		return nil
	}
	if err := a.change(st.file, name, value); err != nil {
		return err
	}
	st.fileChanged = true
	a.say("changed %s: %s %s", st.file, what, name)
	return nil
}

// printSetup shows the records and the next steps.
func (a *app) printSetup(ctx context.Context, st setup) error {
	s, err := a.readSettings()
	if isUnread(err) {
		return err
	}
	keys, err := loadKeys(st.keys)
	if err != nil {
		return err
	}
	z := zoneFor(st.domain, s, keys)
	z.joined = st.joins
	all, err := z.records()
	if err != nil {
		return err
	}
	if !st.offline {
		mergeExisting(ctx, a.resolver, all)
	}
	if a.asJSON {
		return a.printJSON(all)
	}
	a.say("\nPublish these DNS records (`%s` looks for them):\n", a.command("dns "+st.domain+" --check"))
	a.printZone(all)
	a.sayMissing(s)
	if st.rulesChanged || st.fileChanged {
		a.say("\nA server that runs must be restarted to use what changed.")
	}
	if st.joins {
		return nil
	}
	a.say(nextSteps, a.command("check"), a.command("serve"), a.command("check --postfix"))
	return nil
}

// nextSteps is what follows once the records are published.
const nextSteps = `
Then check the settings, start the server, and see how a Postfix on this machine hands it mail:

    %s
    %s
    %s`

// sayMissing names what only the operator can fill in.
func (a *app) sayMissing(s *settings) {
	if len(s.Gateway.NextHop.Servers) == 0 {
		a.say("\nSet OFFRAMP_NEXT_HOP in %s: the smarthost that your mail goes to today, or mx for direct delivery.", a.envFile)
	}
	if s.Gateway.Web.OperatorName == "" {
		host := s.Gateway.PublicURL
		if u, err := url.Parse(host); err == nil {
			host = u.Hostname()
		}
		a.say("\nSet OFFRAMP_OPERATOR_NAME in %s: without your name the unsubscribe page says %q, which looks like phishing.", a.envFile, host)
	}
}
