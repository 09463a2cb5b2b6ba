package main

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"offramp/gateway/dkim"
	"offramp/gateway/smtpd"
	"offramp/listunsub"
)

func (a *app) keygenCommand() *cobra.Command {
	return group("keygen", "Make keys and credentials", a.keygenDKIM(), a.keygenToken(), a.keygenLedger(), a.keygenUser())
}

func (a *app) keygenToken() *cobra.Command {
	return &cobra.Command{
		Use: "token", Short: "Make a key for OFFRAMP_TOKEN_KEYS", Args: exactly(),
		Long: "Make a key for OFFRAMP_TOKEN_KEYS or the file token.keys in the data folder.\n" +
			"Put a new key in front of the old ones: the first key makes new links, all keys\n" +
			"open them. Never remove a key while links made with it are in people's mailboxes.",
		RunE: func(*cobra.Command, []string) error {
			key := listunsub.NewKey()
			if a.asJSON {
				return a.printJSON(map[string]string{"key": key})
			}
			a.print("%s", key)
			return nil
		},
	}
}

func (a *app) keygenLedger() *cobra.Command {
	return &cobra.Command{
		Use: "ledger", Short: "Make a key for OFFRAMP_LEDGER_KEY", Args: exactly(),
		Long: "Make a key for OFFRAMP_LEDGER_KEY or the file ledger.key in the data folder,\n" +
			"before `offramp init`. Never change it afterwards: it recognises people who had\n" +
			"everything erased, and the receipts already given out are checked with it.",
		RunE: func(*cobra.Command, []string) error {
			key := newLedgerKey()
			if a.asJSON {
				return a.printJSON(map[string]string{"key": key})
			}
			a.print("%s", key)
			return nil
		},
	}
}

func (a *app) keygenDKIM() *cobra.Command {
	var kind, out, domain, selector string
	cmd := &cobra.Command{
		Use: "dkim", Short: "Make a DKIM key", Args: exactly(),
		Example: "  offramp keygen dkim --type rsa --out rsa.pem --domain example.org --selector s1",
		Long: "Make a DKIM key. It goes to stdout, or with --out to a new file, and then\n" +
			"its DNS record goes to stdout.",
		RunE: func(*cobra.Command, []string) error {
			block, err := newDKIMKey(kind)
			if err != nil {
				return err
			}
			if out == "" {
				_, err := a.stdout.Write(block)
				return err
			}
			if err := writeNew(out, block); errors.Is(err, fs.ErrExist) {
				return fault("--out: %s exists already and is not overwritten: choose another name", out)
			} else if err != nil {
				return fault("--out: %s", plainPathError(err))
			}
			key, err := dkim.LoadKey(domain, selector, out)
			if err != nil {
				return dkimFault(dkimEntry{domain, selector, out}, err)
			}
			return a.printKeyRecord(key, out)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&kind, "type", "rsa", "rsa (2048 bits) or ed25519")
	flags.StringVar(&out, "out", "", "write the key to a new file")
	flags.StringVar(&domain, "domain", "example.org", "signing domain, for the record")
	flags.StringVar(&selector, "selector", "offramp", "selector, for the record")
	return cmd
}

// printKeyRecord shows the record and the setting that belong to a new key.
func (a *app) printKeyRecord(key dkim.Key, path string) error {
	value, err := key.Record()
	if err != nil {
		return err
	}
	r := resourceRecord{Name: key.Selector + "._domainkey." + key.Domain, Type: "TXT", Value: value}
	if a.asJSON {
		return a.printJSON(map[string]any{"file": path, "record": r, "setting": key.Domain + ":" + key.Selector + ":" + path})
	}
	a.print("%s", r.zoneLine())
	a.say("Wrote %s. Publish the record, then add to OFFRAMP_DKIM_KEYS: %s:%s:%s", path, key.Domain, key.Selector, path)
	return nil
}

// newDKIMKey makes a key receivers accept, as PEM (RFC 8301 section 3.2, RFC 8463).
func newDKIMKey(kind string) ([]byte, error) {
	switch kind {
	case "rsa":
		return dkim.GenerateRSA(2048)
	case "ed25519":
		return dkim.GenerateEd25519()
	}
	return nil, fault("--type: invalid value %q: want rsa or ed25519", kind)
}

func (a *app) keygenUser() *cobra.Command {
	return &cobra.Command{
		Use: "smtp-user NAME", Short: "Make an entry for OFFRAMP_SMTP_USERS; the password is read from stdin", Args: exactly("NAME"),
		Example: "  head -c 18 /dev/urandom | base64 | tee password | offramp keygen smtp-user shop",
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[0]
			if name == "" || strings.ContainsAny(name, ":, \t\r\n") {
				return fault("keygen smtp-user: the name %q must not contain a colon, comma or space", name)
			}
			if a.inputTTY {
				a.say("Password for %s (it shows as you type it):", name)
			}
			line, err := bufio.NewReader(a.stdin).ReadString('\n')
			password := strings.TrimRight(line, "\r\n")
			if password == "" {
				return fault("keygen smtp-user: no password on stdin%s", ioReason(err))
			}
			hash, err := smtpd.HashPassword(password)
			if err != nil {
				return fault("keygen smtp-user: %v", err)
			}
			entry := name + ":" + hash
			if a.asJSON {
				return a.printJSON(map[string]string{"name": name, "entry": entry})
			}
			a.print("%s", entry)
			return nil
		},
	}
}

// ioReason names a read error other than the end of the input.
func ioReason(err error) string {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return ": " + plainPathError(err)
	}
	return ""
}
