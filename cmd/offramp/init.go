package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"offramp/gateway/dkim"
)

// dotEnv is the settings file init writes.
const dotEnv = ".env"

func (a *app) initCommand() *cobra.Command {
	var host, nextHop string
	cmd := &cobra.Command{
		Use: "init DOMAIN", Short: "Make settings and keys for a sending domain, and say what to publish", Args: exactly("DOMAIN"),
		Long: "Make what Offramp needs to serve a sending domain: a settings file .env, the\n" +
			"data folder, DKIM keys and token keys. Nothing that exists is overwritten, so\n" +
			"it is safe to run again. The DNS records go to stdout.",
		Example: "  offramp init example.org --next-hop smtp+starttls://user:pass@smtp.example.net:587",
		RunE: func(cmd *cobra.Command, args []string) error {
			domain, err := parseDomain(args[0])
			if err != nil {
				return err
			}
			if host == "" {
				host = proposedHost(domain)
			}
			if _, err := parseDomain(host); err != nil {
				return fault("--host: %v", err)
			}
			return a.init(cmd.Context(), setup{domain: domain, host: host, nextHop: nextHop})
		},
	}
	cmd.Flags().StringVar(&host, "host", "", "host name of the unsubscribe links (default offramp.DOMAIN)")
	cmd.Flags().StringVar(&nextHop, "next-hop", "", "where mail goes next; without it, OFFRAMP_NEXT_HOP is left for you to fill in")
	return cmd
}

// setup is what init makes its files from.
type setup struct {
	domain, host, nextHop string
	dataDir               string
	keys                  []dkimEntry
}

func (a *app) init(ctx context.Context, st setup) error {
	st.dataDir = a.env[prefix+"DATA_DIR"]
	if st.dataDir == "" {
		st.dataDir = "data"
	}
	if err := os.MkdirAll(st.dataDir, 0o700); err != nil {
		return fault("OFFRAMP_DATA_DIR: the data folder cannot be made: %s", plainPathError(err))
	}
	for _, kind := range []string{"rsa", "ed25519"} {
		entry, err := a.initKey(st, kind)
		if err != nil {
			return err
		}
		st.keys = append(st.keys, entry)
	}
	if err := a.initSecrets(st.dataDir); err != nil {
		return err
	}
	if err := a.initEnv(st); err != nil {
		return err
	}
	return a.printSetup(st)
}

// initKey makes one DKIM key, or finds the one made before.
func (a *app) initKey(st setup, kind string) (dkimEntry, error) {
	entry := dkimEntry{
		domain: st.domain, selector: "offramp-" + kind,
		path: filepath.Join(st.dataDir, "dkim-"+st.domain+"-"+kind+".pem"),
	}
	if _, err := os.Stat(entry.path); err == nil {
		a.say("kept   %s", entry.path)
		return entry, nil
	}
	block, err := newDKIMKey(kind)
	if err != nil {
		return entry, err
	}
	if err := writeNew(entry.path, block); err != nil {
		return entry, fault("OFFRAMP_DATA_DIR: %s", plainPathError(err))
	}
	a.say("wrote  %s", entry.path)
	return entry, nil
}

// initSecrets makes the keys that must never be lost, or finds those made before.
func (a *app) initSecrets(dataDir string) error {
	s := &settings{DataDir: dataDir}
	_, made, err := s.tokenKeys()
	if err != nil {
		return err
	}
	a.say("%s  %s (keep a copy: every link you send needs it)", wroteOrKept(made), filepath.Join(dataDir, tokenKeysFile))
	if _, err := os.Stat(filepath.Join(dataDir, "offramp.db")); err == nil {
		return nil // a server made its ledger key, or has it from elsewhere
	}
	if _, made, err = s.ledgerKeys(); err != nil {
		return err
	}
	a.say("%s  %s (keep a copy: erased people are recognised by it)", wroteOrKept(made), s.ledgerKeyPath())
	return nil
}

func wroteOrKept(made bool) string {
	if made {
		return "wrote"
	}
	return "kept "
}

func (a *app) initEnv(st setup) error {
	err := writeNew(dotEnv, []byte(st.envFile()))
	switch {
	case errors.Is(err, fs.ErrExist):
		a.say("kept   %s", dotEnv)
		return a.compareEnv(st)
	case err != nil:
		return fault("%s: %s", dotEnv, plainPathError(err))
	}
	a.say("wrote  %s", dotEnv)
	return nil
}

// compareEnv says which line is missing in a settings file that was there
// before: init for a second domain must not leave its keys unused.
func (a *app) compareEnv(st setup) error {
	env := map[string]string{}
	if err := readEnvFile(dotEnv, env); err != nil {
		return err
	}
	for _, k := range st.keys {
		if !strings.Contains(env[prefix+"DKIM_KEYS"], k.domain+":"+k.selector+":") {
			a.say("add    %s:%s:%s to OFFRAMP_DKIM_KEYS in %s", k.domain, k.selector, k.path, dotEnv)
		}
	}
	return nil
}

// envFile is the text of the settings file.
func (st setup) envFile() string {
	keys := make([]string, len(st.keys))
	for i, k := range st.keys {
		keys[i] = k.domain + ":" + k.selector + ":" + k.path
	}
	return fmt.Sprintf(`# Settings of Offramp, made by "offramp init %s".
# Read by: offramp --env-file .env, systemd's EnvironmentFile=, compose's env_file:.
# "offramp config" lists every setting.

# The https address of the unsubscribe links. It must stay reachable for as long as
# mail you sent is in mailboxes.
OFFRAMP_PUBLIC_URL=https://%s
OFFRAMP_HOSTNAME=%s

# Where mail goes next: smtp://host:25, smtp+starttls://user:pass@host:587,
# smtps://user:pass@host:465, lmtp://..., or mx for direct delivery. Never the server
# that hands its mail to Offramp: that would be a loop.
OFFRAMP_NEXT_HOP=%s

OFFRAMP_DATA_DIR=%s
OFFRAMP_DKIM_KEYS=%s

# Who may relay without a login: this machine. Add your mail server's network.
OFFRAMP_TRUSTED_NETWORKS=127.0.0.0/8,::1/128
`, st.domain, st.host, st.host, st.nextHop, st.dataDir, strings.Join(keys, ","))
}

// printSetup shows the records and the next steps.
func (a *app) printSetup(st setup) error {
	var keys []dkim.Key
	for _, e := range st.keys {
		key, err := dkim.LoadKey(e.domain, e.selector, e.path)
		if err != nil {
			return dkimFault(e, err)
		}
		keys = append(keys, key)
	}
	all, err := zone{domain: st.domain, hostname: st.host, feedback: st.host, webHost: st.host, keys: keys}.records()
	if err != nil {
		return err
	}
	if a.asJSON {
		return a.printJSON(all)
	}
	a.say("\nPublish these DNS records (`offramp --env-file %s dns %s --check` looks for them):\n", dotEnv, st.domain)
	for _, r := range all {
		a.print("%s", r.zoneLine())
	}
	if st.nextHop == "" {
		a.say("\nSet OFFRAMP_NEXT_HOP in %s: the smarthost that your mail goes to today, or mx for direct delivery.", dotEnv)
	}
	a.say(`
Hand mail to Offramp from Postfix, either all of it (main.cf):

    relayhost = [127.0.0.1]:2525

or only the newsletters (main.cf, then postmap /etc/postfix/offramp_senders):

    sender_dependent_default_transport_maps = hash:/etc/postfix/offramp_senders
    # in /etc/postfix/offramp_senders:
    # newsletter@%s    smtp:[127.0.0.1]:2525

Then:

    offramp --env-file %s check
    offramp --env-file %s serve`, st.domain, dotEnv, dotEnv)
	return nil
}
