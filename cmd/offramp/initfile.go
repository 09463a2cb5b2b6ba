package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"offramp/gateway/render"
)

// envFile is the text of a new settings file.
func (st setup) envFile() string {
	keys := make([]string, len(st.keys))
	for i, k := range st.keys {
		keys[i] = k.setting()
	}
	return fmt.Sprintf(`# Settings of Offramp, made by "offramp init %s".
# Read by: offramp --env-file .env, systemd's EnvironmentFile=, compose's env_file:.
# "offramp config" lists every setting.

# The https address of the unsubscribe links. It must stay reachable for as long as
# mail you sent is in mailboxes.
OFFRAMP_PUBLIC_URL=https://%s
OFFRAMP_HOSTNAME=%s

# Who sends the mail, as recipients know you. Their page shows it: with a host name
# alone it looks like phishing.
OFFRAMP_OPERATOR_NAME=%s

# Domain of bounce and opt-out addresses: list mail leaves with a reverse-path of this
# domain, so that bounces are read. It needs the MX and SPF records that were printed.
OFFRAMP_FEEDBACK_DOMAIN=%s

# Where mail goes next: smtp://host:25, smtp+starttls://user:pass@host:587,
# smtps://user:pass@host:465, lmtp://..., or mx for direct delivery. Never the server
# that hands its mail to Offramp: that would be a loop.
OFFRAMP_NEXT_HOP=%s

# Which mail is a newsletter, where the message itself does not say so.
OFFRAMP_STREAM_RULES=%s

# A visible unsubscribe link at the end of newsletters that have none in their text:
# add or off. Gmail, Yahoo and Microsoft ask for one. docs/footer.md shows it.
OFFRAMP_FOOTER=%s

OFFRAMP_DATA_DIR=%s
OFFRAMP_DKIM_KEYS=%s

# Who may relay without a login: this machine. Add your mail server's network.
OFFRAMP_TRUSTED_NETWORKS=127.0.0.0/8,::1/128
`, st.domain, st.host, st.host, quoteValue(st.operator), st.feedback, quoteValue(st.nextHop), quoteValue(st.rules),
		cmp.Or(st.footer, render.Off), quoteValue(st.dataDir), quoteValue(strings.Join(keys, ",")))
}

// quoteValue writes a value so that Offramp, systemd and compose read the same.
func quoteValue(s string) string {
	switch {
	case s == strings.TrimSpace(s) && !strings.ContainsAny(s, `'"\$#`+"`"):
		return s
	case !strings.Contains(s, "'") && !strings.HasSuffix(s, `\`): // compose takes \' for a quote that does not end
		return "'" + s + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(s) + `"`
}

// writeEnv writes a new settings file.
func (a *app) writeEnv(st setup) error {
	if err := writeNew(st.file, []byte(st.envFile())); err != nil {
		return fault("%s: %s", st.file, plainPathError(err))
	}
	a.say("wrote  %s", st.file)
	return nil
}

// change sets one setting in a settings file and leaves every other byte as it is.
func (a *app) change(file, name, value string) error {
	text, err := os.ReadFile(file)
	if err == nil {
		err = replaceFile(file, setLine(text, name, value))
	}
	if err != nil {
		return fault("%s: %s: set %s=%s there yourself", file, plainPathError(err), name, value)
	}
	return nil
}

// setLine changes the last line that sets name, the one that counts, or adds one.
func setLine(text []byte, name, value string) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i := len(lines) - 1; i >= 0; i-- {
		before, after, ok := bytes.Cut(lines[i], []byte("="))
		set := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(strings.TrimPrefix(string(before), "\ufeff")), "export "))
		if !ok || set != name {
			continue
		}
		end := after[len(bytes.TrimRight(after, "\r\n")):]
		lines[i] = []byte(string(before) + "=" + quoteValue(value) + string(end))
		return bytes.Join(lines, nil)
	}
	end := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		end = "\r\n"
	}
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, end...)
	}
	return append(text, name+"="+quoteValue(value)+end...)
}

// replaceFile puts new content into a file: all of it or, after a crash, the old.
// Owner and permissions stay.
func replaceFile(path string, content []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()))
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && (int(owner.Uid) != os.Getuid() || int(owner.Gid) != os.Getgid()) {
		err = errors.Join(err, f.Chown(int(owner.Uid), int(owner.Gid)))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}
