package hook

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/feedback"
)

const certURL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem"

// amazon signs notifications, and answers for its hosts.
type amazon struct {
	t       *testing.T
	key     *rsa.PrivateKey
	cert    []byte
	fetched []string
	down    bool
}

func newAmazon(t *testing.T, name string, end time.Time) *amazon {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a := &amazon{t: t, key: key}
	a.cert = newAuthority(t, "Amazon RSA 2048 M99", nil).issue(t, name, end, &key.PublicKey)
	return a
}

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	file []byte
}

// newAuthority is one that another one vouches for, or a root.
func newAuthority(t *testing.T, name string, by *authority) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: now.Add(-1000 * time.Hour), NotAfter: now.Add(1000 * time.Hour),
	}
	parent, signer := template, crypto.Signer(key)
	if by != nil {
		parent, signer = by.cert, by.key
	}
	a := &authority{key: key}
	a.file, a.cert = certify(t, template, parent, &key.PublicKey, signer)
	return a
}

func certify(t *testing.T, template, parent *x509.Certificate, key crypto.PublicKey, signer crypto.Signer) ([]byte, *x509.Certificate) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), cert
}

// issue returns the file of a certificate for a host.
func (a *authority) issue(t *testing.T, name string, end time.Time, key *rsa.PublicKey) []byte {
	t.Helper()
	file, _ := certify(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: now.Add(-100 * time.Hour), NotAfter: end,
	}, a.cert, key, a.key)
	return file
}

func (a *amazon) RoundTrip(r *http.Request) (*http.Response, error) {
	a.fetched = append(a.fetched, r.URL.String())
	if a.down {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(a.cert))), Request: r}, nil
}

func (a *amazon) notify(n notification) *http.Request {
	a.t.Helper()
	var sum []byte
	hash := crypto.SHA256
	if n.SignatureVersion == "1" {
		s := sha1.Sum([]byte(n.signed()))
		sum, hash = s[:], crypto.SHA1
	} else {
		s := sha256.Sum256([]byte(n.signed()))
		sum = s[:]
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, hash, sum)
	if err != nil {
		a.t.Fatal(err)
	}
	n.Signature = base64.StdEncoding.EncodeToString(signature)
	body, err := json.Marshal(n)
	if err != nil {
		a.t.Fatal(err)
	}
	return post("ses", string(body))
}

func notice(message string) notification {
	subject := "Amazon SES Email Event Notification"
	return notification{
		Type: "Notification", MessageID: "m1", TopicArn: topic, Message: message, Timestamp: now.Format(time.RFC3339),
		Subject: &subject, SignatureVersion: "2", SigningCertURL: certURL,
	}
}

func TestSES(t *testing.T) {
	a := newAmazon(t, "sns.amazonaws.com", now.Add(time.Hour))
	b := newBench(t)
	b.Client = &http.Client{Transport: a}
	for _, version := range []string{"1", "2"} {
		for name, want := range map[string][]short{
			"ses-bounce.json":    {{feedback.ToldBounce, "gone@example.net", true, "5.1.1", ""}},
			"ses-transient.json": {{feedback.ToldBounce, "full@example.net", false, "4.4.7", ""}},
			"ses-complaint.json": {{feedback.ToldComplaint, "angry@example.net", false, "", "abuse"}},
		} {
			b.outcomes.told = nil
			n := notice(file(t, name))
			n.SignatureVersion = version
			if code := b.call(a.notify(n)); code != http.StatusOK {
				t.Errorf("%s: answer %d", name, code)
			}
			if diff := cmp.Diff(want, shorts(b.outcomes.told)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if name == "ses-bounce.json" && !strings.Contains(b.outcomes.told[0].Header, "/u/") {
				t.Errorf("no header: %+v", b.outcomes.told[0])
			}
		}
	}
	if len(a.fetched) != 1 {
		t.Errorf("the certificate was fetched %d times", len(a.fetched))
	}
}

func TestSESForgeries(t *testing.T) {
	a := newAmazon(t, "sns.amazonaws.com", now.Add(time.Hour))
	bounce := file(t, "ses-bounce.json")
	for name, test := range map[string]struct {
		change func(*notification)
		amazon *amazon
		after  func(string) string
		want   int
	}{
		"right":                 {nil, a, nil, http.StatusOK},
		"another topic":         {func(n *notification) { n.TopicArn = "arn:aws:sns:eu-west-1:999:bounces" }, a, nil, http.StatusServiceUnavailable},
		"another topic, forged": {func(n *notification) { n.TopicArn = "arn:aws:sns:eu-west-1:999:bounces" }, a, func(s string) string { return strings.Replace(s, "gone@", "victim@", 1) }, http.StatusForbidden},
		"of another region":     {func(n *notification) { n.SigningCertURL = strings.Replace(certURL, "eu-west-1", "us-east-1", 1) }, a, nil, http.StatusForbidden},
		"no topic":              {func(n *notification) { n.TopicArn = "bounces" }, a, nil, http.StatusForbidden},
		"no ID":                 {func(n *notification) { n.MessageID = "" }, a, nil, http.StatusForbidden},
		"no time":               {func(n *notification) { n.Timestamp = "" }, a, nil, http.StatusForbidden},
		"a certificate's own": {func(n *notification) {
			n.SigningCertURL = "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem"
		}, a, nil, http.StatusForbidden},
		"by http": {func(n *notification) { n.SigningCertURL = strings.Replace(certURL, "https", "http", 1) }, a, nil, http.StatusForbidden},
		"another path": {func(n *notification) {
			n.SigningCertURL = "https://sns.eu-west-1.amazonaws.com/x?y=/SimpleNotificationService-1.pem"
		}, a, nil, http.StatusForbidden},
		"of another name": {nil, newAmazon(t, "evil.example", now.Add(time.Hour)), nil, http.StatusForbidden},
		"expired":         {nil, newAmazon(t, "sns.amazonaws.com", now.Add(-time.Minute)), nil, http.StatusForbidden},
		"altered":         {nil, a, func(s string) string { return strings.Replace(s, "gone@", "victim@", 1) }, http.StatusForbidden},
		"another version": {func(n *notification) { n.SignatureVersion = "3" }, a, nil, http.StatusForbidden},
		"old":             {func(n *notification) { n.Timestamp = now.Add(-48 * time.Hour).Format(time.RFC3339) }, newAmazon(t, "sns.amazonaws.com", now.Add(time.Hour)), nil, http.StatusServiceUnavailable},
		"no event in it":  {func(n *notification) { n.Message = "hello" }, a, nil, http.StatusBadRequest},
		"amazon is away":  {nil, &amazon{t: t, key: a.key, down: true}, nil, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.Client = &http.Client{Transport: test.amazon}
			n := notice(bounce)
			if test.change != nil {
				test.change(&n)
			}
			r := test.amazon.notify(n)
			if test.after != nil {
				body, _ := io.ReadAll(r.Body)
				r = post("ses", test.after(string(body)))
			}
			if code := b.call(r); code != test.want {
				t.Errorf("answer %d, want %d", code, test.want)
			}
			if told := len(b.outcomes.told); told > 0 != (test.want == http.StatusOK) {
				t.Errorf("told %d", told)
			}
		})
	}
}

func TestSESConfirmation(t *testing.T) {
	a := newAmazon(t, "sns.amazonaws.com", now.Add(time.Hour))
	for name, test := range map[string]struct {
		url  string
		want int
	}{
		"to Amazon":        {"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t", http.StatusOK},
		"to another":       {"https://evil.example/?Action=ConfirmSubscription", http.StatusForbidden},
		"to another below": {"https://sns.eu-west-1.amazonaws.com.evil.example/", http.StatusForbidden},
		"by http":          {"http://sns.eu-west-1.amazonaws.com/", http.StatusForbidden},
		"with a user":      {"https://sns.eu-west-1.amazonaws.com@evil.example/", http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			a.fetched = nil
			b.Client = &http.Client{Transport: a}
			n := notification{Type: "SubscriptionConfirmation", MessageID: "m1", TopicArn: topic, Message: "You have chosen to subscribe",
				Timestamp: now.Format(time.RFC3339), Token: "t", SubscribeURL: test.url, SignatureVersion: "2", SigningCertURL: certURL}
			if code := b.call(a.notify(n)); code != test.want {
				t.Errorf("answer %d", code)
			}
			if confirmed := len(a.fetched) == 2; confirmed != (test.want == http.StatusOK) {
				t.Errorf("fetched %v", a.fetched)
			}
		})
	}
}
