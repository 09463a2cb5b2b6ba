package gateway

import (
	"cmp"

	"offramp/gateway/dkim"
	"offramp/gateway/relay"
	"offramp/gateway/smtpd"
)

// Reload takes over what can change while the gateway runs: logins, trusted
// networks, what decides about streams and lists, and the DKIM keys. With an error
// nothing has changed.
func (g *Gateway) Reload(c Config, keys *dkim.Keys) error {
	if err := c.Validate(); err != nil {
		return err
	}
	logins, err := smtpd.ParseLogins(c.SMTPUsers)
	if err != nil {
		return loginFault(err)
	}
	acceptance := c.Relay
	acceptance.DefaultStream = cmp.Or(g.config.Relay.DefaultStream, g.parts.EarlierStream) // needs a restart
	classifier, err := acceptance.NewClassifier(g.parts.Keys.Signs)
	if err != nil {
		return err
	}
	if keys != nil && g.parts.Keys != nil {
		g.parts.Keys.Replace(keys)
	}
	g.accept.Change(relay.Terms{TrustedNetworks: acceptance.TrustedNetworks, Classifier: classifier})
	g.smtp.ChangeLogins(logins)
	return nil
}
