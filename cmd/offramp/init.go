package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"offramp/store/sqlite"
)

// dotEnv is the settings file init writes where --env-file names none.
const dotEnv = ".env"

// setup is what init makes its files from.
type setup struct {
	domain      string
	host        string // of the links
	feedback    string // domain of bounce and opt-out addresses
	nextHop     string
	operator    string
	footer      string // add or off; empty: not said
	newsletters []newsletter
	offline     bool

	file    string // of settings
	rules   string // file of rules
	dataDir string
	keys    []dkimEntry
	joins   bool // a domain beside the one that the file was made for

	fileChanged, rulesChanged bool // which a running server has read already
}

func (a *app) initCommand() *cobra.Command {
	var st setup
	var letters []string
	var yes, selfSigned, onlyData bool
	cmd := &cobra.Command{
		Use: "init DOMAIN", Short: "Make settings and keys for a sending domain, and say what to publish",
		Long: "Make what Offramp needs to serve a sending domain: a settings file .env (or the\n" +
			"one of --env-file), the data folder with its databases, DKIM keys and token keys.\n" +
			"On a terminal it asks for what no flag says. Nothing that exists is overwritten, so it is safe to\n" +
			"run again; a second domain joins the settings that are there. The DNS records\n" +
			"go to stdout.\n\n" +
			"With --newsletter all mail from this address becomes list mail, password resets\n" +
			"too: name only addresses that send nothing but newsletters. Newsletters that have\n" +
			"List-Id or List-Unsubscribe need no rule.\n\n" +
			"With --data it makes the databases and keys in OFFRAMP_DATA_DIR and nothing else,\n" +
			"for a server that has its settings from elsewhere, such as a container.\n\n" +
			"With --tls-self-signed it makes a certificate for SMTP in a private network\n" +
			"instead, for the names and addresses that follow and for those of this machine.",
		Example: "  offramp init example.org --next-hop smtp+starttls://user:pass@smtp.example.net:587 \\\n" +
			"    --operator 'Example Ltd' --newsletter 'news@example.org=Weekly news'\n" +
			"  offramp init --tls-self-signed mail.lan 10.0.0.5",
		Args: func(cmd *cobra.Command, args []string) error {
			if selfSigned {
				return nil
			}
			if onlyData {
				return exactly()(cmd, args)
			}
			return exactly("DOMAIN")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a.envFile = cmp.Or(a.envFile, dotEnv)
			switch {
			case selfSigned:
				return a.initTLS(args)
			case onlyData:
				return a.initDataOnly(cmd.Context())
			}
			if err := st.read(args[0], letters); err != nil {
				return err
			}
			return a.init(cmd.Context(), st, cmd.Flags().Changed, a.inputTTY && !yes)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&st.host, "host", "", "host name of the unsubscribe links (default offramp.DOMAIN)")
	flags.StringVar(&st.feedback, "feedback-domain", "", "domain of bounce and opt-out addresses (default the host)")
	flags.StringVar(&st.nextHop, "next-hop", "", "where mail goes next; without it, OFFRAMP_NEXT_HOP is left for you to fill in")
	flags.StringVar(&st.operator, "operator", "", "your name, as the people you write to know you")
	flags.StringVar(&st.footer, "footer", "", "add puts a visible unsubscribe link at the end of newsletters that have none in their text; off leaves them as they are (default off, add on a terminal)")
	flags.StringArrayVar(&letters, "newsletter", nil, "ADDRESS=Name of the list, of a newsletter's sender; again for each (the list's identifier may follow in <>)")
	flags.BoolVarP(&yes, "yes", "y", false, "ask nothing")
	flags.BoolVar(&st.offline, "offline", false, "do not ask the DNS which SPF and DMARC records are there already")
	flags.BoolVar(&onlyData, "data", false, "make the databases and keys in the data folder, and nothing else")
	flags.BoolVar(&selfSigned, "tls-self-signed", false, "make a self-signed certificate for SMTP instead; the arguments are further names and addresses")
	return cmd
}

// read checks what the command line says.
func (st *setup) read(domain string, letters []string) error {
	var err error
	if st.domain, err = parseDomain(domain); err != nil {
		return err
	}
	for flag, name := range map[string]*string{"--host": &st.host, "--feedback-domain": &st.feedback} {
		if *name == "" {
			continue
		}
		if *name, err = readHost(flag)(*name); err != nil {
			return err
		}
	}
	if st.operator, err = readOperator(st.operator); err != nil {
		return err
	}
	if st.footer, err = readFooter(st.footer); err != nil {
		return err
	}
	for _, text := range letters {
		n, err := parseNewsletter(text)
		if err != nil {
			return err
		}
		st.newsletters = append(st.newsletters, n)
	}
	return nil
}

func (a *app) init(ctx context.Context, st setup, given func(flag string) bool, ask bool) error {
	env, exists, err := a.fileEnv()
	if err != nil {
		return err
	}
	st.file, st.dataDir = a.envFile, dataDirOf(env)
	st.rules = cmp.Or(env[prefix+"STREAM_RULES"], filepath.Join(st.dataDir, "streams.rules"))
	if st.nextHop != "" {
		if st.nextHop, err = readNextHop(env)(st.nextHop); err != nil {
			return err
		}
	}
	if !exists {
		st.host = cmp.Or(st.host, proposedHost(st.domain))
	}
	if ask {
		if err := a.ask(&st, asking{given: given, env: env, again: exists}); err != nil {
			return err
		}
	}
	if !exists {
		st.feedback = cmp.Or(st.feedback, st.host)
	}
	if err := a.initData(ctx, &st, env); err != nil {
		return err
	}
	_, lost := os.Stat(st.rules) // with the folder it was in, of a .env that names it
	named := env[prefix+"STREAM_RULES"] != ""
	if !exists || len(st.newsletters) > 0 || named && errors.Is(lost, fs.ErrNotExist) {
		if err := a.initRules(&st); err != nil {
			return err
		}
		a.warnNewsletters(st, env)
	}
	if exists {
		err = a.join(&st, env)
	} else {
		err = a.writeEnv(st)
	}
	if err != nil {
		return err
	}
	return a.printSetup(ctx, st)
}

// initData makes the data folder, its databases and every key.
func (a *app) initData(ctx context.Context, st *setup, env map[string]string) error {
	if err := makeDataDir(st.dataDir); err != nil {
		return fault("OFFRAMP_DATA_DIR: the data folder cannot be made: %s", plainPathError(err))
	}
	for _, kind := range []string{"rsa", "ed25519"} {
		entry, err := a.initKey(*st, kind)
		if err != nil {
			return err
		}
		st.keys = append(st.keys, entry)
	}
	return a.initSecrets(ctx, st.dataDir, env)
}

// fileEnv is what the settings file says, with the process's environment over
// it, and whether there is a file.
func (a *app) fileEnv() (env map[string]string, exists bool, err error) {
	env = maps.Clone(a.env)
	if _, err := os.Stat(a.envFile); err != nil {
		return env, false, nil // writing it says what is wrong
	}
	return env, true, readEnvFile(a.envFile, env)
}

func dataDirOf(env map[string]string) string { return cmp.Or(env[prefix+"DATA_DIR"], "data") }

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

// initSecrets makes the databases and the keys that must never be lost, or finds
// those made before. Keys that settings hold are not made.
func (a *app) initSecrets(ctx context.Context, dataDir string, env map[string]string) error {
	s := &settings{DataDir: dataDir}
	for name, value := range map[string]*string{"TOKEN_KEYS": &s.TokenKeys, "LEDGER_KEY": &s.LedgerKey} {
		text, _, err := secretValue(prefix+name, env)
		if err != nil {
			return err
		}
		*value = strings.TrimSpace(text)
	}
	begun, err := sqlite.Begun(dataDir)
	if err != nil {
		return storeFault(dataDir, err)
	}
	if begun {
		if err := a.initKeys(s); err != nil {
			return err
		}
		a.say("kept   %s", filepath.Join(dataDir, "offramp.db")+" and spool.db")
		return nil
	}
	earlier := s.hasKeys()
	m, err := a.makeData(ctx, s, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	a.sayKeys(s, m)
	a.say("wrote  %s", filepath.Join(dataDir, "offramp.db")+" and spool.db (new: nobody's opt-out is known)")
	if earlier {
		a.say("       If the server has run with these keys before, restore its databases before you start it again.")
	}
	return nil
}

// initKeys makes the keys that data lacks.
func (a *app) initKeys(s *settings) (err error) {
	var m made
	if _, m.tokens, err = s.tokenKeys(); err != nil {
		return err
	}
	if s.needLedgerKey() == nil { // else the server has it from elsewhere
		if _, m.ledger, err = s.ledgerKeys(); err != nil {
			return err
		}
	}
	a.sayKeys(s, m)
	return nil
}

// sayKeys names the files of keys that are there.
func (a *app) sayKeys(s *settings, m made) {
	if s.TokenKeys == "" {
		a.say("%s  %s (keep a copy: every link you send needs it)", wroteOrKept(m.tokens), filepath.Join(s.DataDir, tokenKeysFile))
	}
	if s.LedgerKey == "" && s.needLedgerKey() == nil {
		a.say("%s  %s (keep a copy: erased people are recognised by it)", wroteOrKept(m.ledger), s.ledgerKeyPath())
	}
}

// initDataOnly makes the data of a server that has its settings from elsewhere.
func (a *app) initDataOnly(ctx context.Context) error {
	env, _, err := a.fileEnv()
	if err != nil {
		return err
	}
	return a.initSecrets(ctx, dataDirOf(env), env)
}

func wroteOrKept(made bool) string {
	if made {
		return "wrote"
	}
	return "kept "
}
