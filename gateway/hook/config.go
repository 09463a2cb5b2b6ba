package hook

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Config holds what the calls of each smarthost are checked with. A smarthost
// without a setting has no hook.
type Config struct {
	SendGridKey   string   `env:"HOOK_SENDGRID_KEY" doc:"verification key of SendGrid's Event Webhook, as its settings page shows it; turns /hooks/sendgrid on"`
	MailgunKey    string   `env:"HOOK_MAILGUN_KEY" secret:"true" doc:"HTTP webhook signing key of Mailgun; turns /hooks/mailgun on"`
	PostmarkLogin string   `env:"HOOK_POSTMARK_LOGIN" secret:"true" doc:"user:password of basic authentication that Postmark sends with its webhooks; turns /hooks/postmark on"`
	SESTopics     []string `env:"HOOK_SES_TOPICS" doc:"ARNs of the SNS topics that Amazon SES publishes to, comma separated; turns /hooks/ses on"`
}

// Validate returns every error in the settings, each naming its variable.
func (c Config) Validate() error {
	var faults []error
	if c.SendGridKey != "" {
		if _, err := publicKey(c.SendGridKey); err != nil {
			faults = append(faults, errors.New("OFFRAMP_HOOK_SENDGRID_KEY: is not an ECDSA public key: copy the Verification Key of the Event Webhook's security settings"))
		}
	}
	if c.PostmarkLogin != "" {
		user, password, found := strings.Cut(c.PostmarkLogin, ":")
		if !found || user == "" || len(password) < 12 {
			faults = append(faults, errors.New("OFFRAMP_HOOK_POSTMARK_LOGIN: must be user:password, with a password of at least 12 characters: it is the webhook's only protection"))
		}
	}
	for _, topic := range c.SESTopics {
		if _, ok := regionOf(topic); !ok {
			faults = append(faults, fmt.Errorf("OFFRAMP_HOOK_SES_TOPICS: invalid topic ARN %q: write one such as arn:aws:sns:eu-west-1:123456789012:bounces", topic))
		}
	}
	return errors.Join(faults...)
}

// publicKey reads an ECDSA key in base64 of DER, or in PEM.
func publicKey(text string) (*ecdsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der, err = block.Bytes, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	ec, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("not an ECDSA key")
	}
	return ec, nil
}
