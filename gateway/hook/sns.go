package hook

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
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

// The hosts and paths certificates and confirmations are fetched from.
var (
	certificatePath = regexp.MustCompile(`^https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/SimpleNotificationService-[a-z0-9]+\.pem$`)
	confirmHost     = regexp.MustCompile(`^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)
)

// openNotification checks an envelope: its topic is configured, its signature
// is by a certificate that Amazon publishes.
func (c *call) openNotification() (n notification, err error) {
	if err := json.Unmarshal(c.body, &n); err != nil {
		return n, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if !slices.Contains(c.h.Config.SESTopics, n.TopicArn) {
		return n, fmt.Errorf("%w: the topic is not one of OFFRAMP_HOOK_SES_TOPICS", errSignature)
	}
	if !certificatePath.MatchString(n.SigningCertURL) {
		return n, fmt.Errorf("%w: the certificate is not from Amazon", errSignature)
	}
	signature, err := base64.StdEncoding.DecodeString(n.Signature)
	if err != nil {
		return n, errSignature
	}
	key, err := c.h.certificates.key(c.ctx, c.h.client(), n.SigningCertURL, c.now)
	if err != nil {
		return n, err
	}
	signed := []byte(n.signed())
	switch n.SignatureVersion {
	case "1":
		sum := sha1.Sum(signed)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
	case "2":
		sum := sha256.Sum256(signed)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	default:
		err = errors.New("unknown version")
	}
	if err != nil {
		return n, errSignature
	}
	if at, err := time.Parse(time.RFC3339, n.Timestamp); err != nil || !c.fresh(at) {
		return n, fmt.Errorf("%w: it is too old, or the clock is wrong", errSignature)
	}
	return n, nil
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
	u, err := url.Parse(n.SubscribeURL)
	if err != nil || u.Scheme != "https" || u.User != nil || !confirmHost.MatchString(u.Host) {
		return fmt.Errorf("%w: the confirmation URL is not at Amazon", errSignature)
	}
	if _, err := get(c.ctx, c.h.client(), n.SubscribeURL); err != nil {
		return fmt.Errorf("confirm the subscription: %w", err)
	}
	c.h.log().Info("subscription to a topic confirmed", "vendor", "ses", "topic", n.TopicArn)
	return nil
}

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

// certificates keeps the keys of signing certificates. Each is fetched over
// https from Amazon's own host, whose certificate is checked then: that, and
// its name and time, is what makes it trusted, since the file holds no chain.
type certificates struct {
	mu   sync.Mutex
	keys map[string]certificate
}

type certificate struct {
	key *rsa.PublicKey
	end time.Time
}

// maxCertificates bounds the memory; there is about one for each region a year.
const maxCertificates = 50

func (k *certificates) key(ctx context.Context, client *http.Client, address string, now time.Time) (*rsa.PublicKey, error) {
	k.mu.Lock()
	c, known := k.keys[address]
	k.mu.Unlock()
	if known && now.Before(c.end) {
		return c.key, nil
	}
	data, err := get(ctx, client, address)
	if err != nil {
		return nil, fmt.Errorf("%w: fetch the certificate: %w", errLater, err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%w: no certificate at its address", errLater)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLater, err)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || cert.VerifyHostname("sns.amazonaws.com") != nil && cert.Subject.CommonName != "sns.amazonaws.com" || now.After(cert.NotAfter) || now.Before(cert.NotBefore) {
		return nil, fmt.Errorf("%w: the certificate is not for SNS, or not valid now", errSignature)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys) >= maxCertificates {
		k.keys = nil
	}
	if k.keys == nil {
		k.keys = make(map[string]certificate)
	}
	k.keys[address] = certificate{key, cert.NotAfter}
	return key, nil
}
