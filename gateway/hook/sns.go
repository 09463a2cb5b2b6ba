package hook

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// notification is the envelope of Amazon SNS (SNS developer guide, "HTTP/HTTPS
// notification JSON format").
type notification struct {
	Type, MessageID, TopicArn, Message, Timestamp, Token string
	Subject                                              *string
	SubscribeURL, SignatureVersion, Signature            string
	SigningCertURL                                       string
}

// openNotification checks an envelope: its signature is by the certificate that
// Amazon publishes for the region of its topic, and its topic is configured.
func (c *call) openNotification() (n notification, err error) {
	if c.header.Get("X-Amz-Sns-Rawdelivery") == "true" {
		return n, fmt.Errorf("%w: raw message delivery leaves the signature out: turn it off for the subscription", errSignature)
	}
	if err := decode(c.body.bytes(), &n); err != nil {
		return n, fmt.Errorf("%w: %w", errSignature, err)
	}
	place, ok := regionOf(n.TopicArn)
	if !ok {
		return n, fmt.Errorf("%w: not of an SNS topic", errSignature)
	}
	at, err := time.Parse(time.RFC3339, n.Timestamp)
	if err != nil || n.Type == "" || n.MessageID == "" || !place.certificate(n.SigningCertURL) {
		return n, fmt.Errorf("%w: incomplete, or the certificate is not from Amazon", errSignature)
	}
	signature, err := base64.StdEncoding.DecodeString(n.Signature)
	if err != nil || len(signature) == 0 {
		return n, errSignature
	}
	cert, err := c.h.certificates.get(c, n.SigningCertURL, place)
	if err != nil {
		return n, err
	}
	if !cert.valid(at) || !n.verify(cert.key, signature) {
		return n, errSignature
	}
	if err := c.fresh(at); err != nil {
		return n, err
	}
	if !slices.Contains(c.h.Config.SESTopics, n.TopicArn) {
		return n, &slipError{cause: causeTopic, text: "the topic " + n.TopicArn + " is not one of OFFRAMP_HOOK_SES_TOPICS"}
	}
	return n, nil
}

func (n notification) verify(key *rsa.PublicKey, signature []byte) bool {
	signed := []byte(n.signed())
	switch n.SignatureVersion {
	case "1":
		sum := sha1.Sum(signed)
		return rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature) == nil
	case "2":
		sum := sha256.Sum256(signed)
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}

// signed is the text that is signed: names and values of some fields, each on a
// line, in byte order of the names.
func (n notification) signed() string {
	var out strings.Builder
	add := func(name, value string) { out.WriteString(name + "\n" + value + "\n") }
	add("Message", n.Message)
	add("MessageId", n.MessageID)
	if n.Type == "Notification" {
		if n.Subject != nil {
			add("Subject", *n.Subject)
		}
	} else {
		add("SubscribeURL", n.SubscribeURL)
	}
	add("Timestamp", n.Timestamp)
	if n.Type != "Notification" {
		add("Token", n.Token)
	}
	add("TopicArn", n.TopicArn)
	add("Type", n.Type)
	return out.String()
}

// confirm answers the request for a subscription to one of our topics.
func (c *call) confirm(n notification) error {
	place, _ := regionOf(n.TopicArn)
	u, err := url.Parse(n.SubscribeURL)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Host != place.host() {
		return fmt.Errorf("%w: the confirmation URL is not at Amazon", errSignature)
	}
	if _, err := get(c.ctx, c.h.client(), n.SubscribeURL); err != nil {
		return fmt.Errorf("confirm the subscription: %w", err)
	}
	c.h.log().Info("subscription to a topic confirmed", "vendor", ses, "topic", n.TopicArn)
	return nil
}

// client returns what fetches from Amazon: it checks the certificate of the host
// against the roots of the system, and the host's name.
func (h *Hooks) client() *http.Client {
	if h.Client != nil {
		return h.Client
	}
	return &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("no redirect is followed") },
	}
}

// maxFetched bounds what is read of an answer.
const maxFetched = 64 << 10

func get(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answer %d", answer.StatusCode)
	}
	return io.ReadAll(io.LimitReader(answer.Body, maxFetched))
}
