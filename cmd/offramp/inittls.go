package main

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"offramp/gateway/envelope"
)

// selfSignedFor is how long a self-signed certificate is good: nothing renews
// it, and those who trust it have its file.
const selfSignedFor = 10 * 365 * 24 * time.Hour

// initTLS makes a self-signed certificate for the SMTP listeners and names it in
// the settings.
func (a *app) initTLS(names []string) error {
	env, exists, err := a.fileEnv()
	if err != nil {
		return err
	}
	if !exists {
		return fault("init --tls-self-signed: there are no settings in %s yet: run `%s` first", a.envFile, a.command("init DOMAIN"))
	}
	for _, name := range names {
		_, notIP := netip.ParseAddr(name)
		if _, notHost := envelope.Parse("x@" + name + ".invalid"); notIP != nil && notHost != nil || strings.Contains(name, "@") {
			return fault("init --tls-self-signed: invalid name %q: write host names and IP addresses that clients connect to", name)
		}
	}
	dir := dataDirOf(env)
	files := keyPair{prefix + "SMTP_TLS", env[prefix+"SMTP_TLS_CERT_FILE"], env[prefix+"SMTP_TLS_KEY_FILE"]}
	if files.cert == "" && files.key == "" {
		files.cert, files.key = filepath.Join(dir, "smtp-cert.pem"), filepath.Join(dir, "smtp-key.pem")
	}
	if err := a.writeSelfSigned(files, append(names, a.ownNames(env)...)); err != nil {
		return err
	}
	for _, setting := range []struct{ name, value string }{{files.prefix + "_CERT_FILE", files.cert}, {files.prefix + "_KEY_FILE", files.key}} {
		if env[setting.name] == setting.value {
			continue
		}
		if err := a.change(a.envFile, setting.name, setting.value); err != nil {
			return err
		}
		a.say("changed %s: %s=%s", a.envFile, setting.name, setting.value)
	}
	a.say("\nIt is for SMTP in a private network: STARTTLS on OFFRAMP_SMTP_ADDR, TLS on OFFRAMP_SMTPS_ADDR. The page never\n"+
		"uses it. Give clients that verify certificates %s as their CA file. Restart the server.", files.cert)
	return nil
}

// ownNames are the names this machine is reached by without asking anybody.
func (a *app) ownNames(env map[string]string) []string {
	names := []string{env[prefix+"HOSTNAME"]}
	if machine, err := os.Hostname(); err == nil {
		names = append(names, machine)
	}
	return append(names, "localhost", "127.0.0.1", "::1")
}

func (a *app) writeSelfSigned(files keyPair, names []string) error {
	var unique []string
	for _, name := range names {
		if name != "" && !slices.Contains(unique, name) {
			unique = append(unique, name)
		}
	}
	if _, err := os.Stat(files.cert); err == nil {
		a.say("kept   %s (for a new one, remove it and %s)", files.cert, files.key)
		return files.check()
	}
	cert, key, err := selfSign(unique, a.now(), selfSignedFor)
	if err != nil {
		return err
	}
	if err := makeDataDir(filepath.Dir(files.cert)); err != nil {
		return fault("OFFRAMP_DATA_DIR: %s", plainPathError(err))
	}
	for _, f := range []struct {
		path    string
		content []byte
	}{{files.key, key}, {files.cert, cert}} {
		switch err := writeNew(f.path, f.content); {
		case errors.Is(err, fs.ErrExist):
			return fault("%s is there already, without %s: move it away first", f.path, files.cert)
		case err != nil:
			return fault("%s: %s", f.path, plainPathError(err))
		}
	}
	a.say("wrote  %s and %s, good until %s, for %s", files.cert, files.key,
		a.now().Add(selfSignedFor).Format(time.DateOnly), strings.Join(unique, ", "))
	return nil
}
