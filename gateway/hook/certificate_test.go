package hook

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// region is where a topic is, and the name on the certificate that signs there.
type region struct{ partition, region, host, name string }

// regions are those whose certificates have a name of their own (SnsHostProvider
// of the AWS SDK for Java 2), and some of the others.
func regions() (all []region) {
	for _, r := range strings.Fields("af-south-1 ap-east-1 ap-east-2 ap-south-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 " +
		"ca-west-1 eu-central-2 eu-south-1 eu-south-2 il-central-1 me-central-1 me-south-1 mx-central-1") {
		all = append(all, region{"aws", r, "sns." + r + ".amazonaws.com", "sns-signing." + r + ".amazonaws.com"})
	}
	for _, r := range strings.Fields("us-east-1 us-west-2 eu-west-1 ap-northeast-3 sa-east-1") {
		all = append(all, region{"aws", r, "sns." + r + ".amazonaws.com", "sns.amazonaws.com"})
	}
	return append(all,
		region{"aws-us-gov", "us-gov-west-1", "sns.us-gov-west-1.amazonaws.com", "sns-us-gov-west-1.amazonaws.com"},
		region{"aws-us-gov", "us-gov-east-1", "sns.us-gov-east-1.amazonaws.com", "sns-us-gov-west-1.amazonaws.com"},
		region{"aws-cn", "cn-north-1", "sns.cn-north-1.amazonaws.com.cn", "sns-cn-north-1.amazonaws.com.cn"},
		region{"aws-cn", "cn-northwest-1", "sns.cn-northwest-1.amazonaws.com.cn", "sns-cn-northwest-1.amazonaws.com.cn"},
		region{"aws-eusc", "eusc-de-east-1", "sns.eusc-de-east-1.amazonaws.eu", "sns-signing.eusc-de-east-1.amazonaws.eu"},
		region{"aws-iso", "us-iso-east-1", "sns.us-iso-east-1.c2s.ic.gov", "sns-us-iso-east-1.c2s.ic.gov"},
		region{"aws-iso-b", "us-isob-east-1", "sns.us-isob-east-1.sc2s.sgov.gov", "sns-us-isob-east-1.sc2s.sgov.gov"},
		region{"aws-iso-e", "eu-isoe-west-1", "sns.eu-isoe-west-1.cloud.adc-e.uk", "sns-signing.eu-isoe-west-1.cloud.adc-e.uk"},
		region{"aws-iso-f", "us-isof-south-1", "sns.us-isof-south-1.csp.hci.ic.gov", "sns-signing.us-isof-south-1.csp.hci.ic.gov"},
	)
}

// In every region a topic is confirmed and its bounces are taken, and the
// certificate of another region is refused.
func TestEveryRegion(t *testing.T) {
	bounce := file(t, "ses-bounce.json")
	all := regions()
	for i, r := range all {
		a := newAmazon(t, r.name, now.Add(time.Hour))
		b := newBench(t)
		b.Client = &http.Client{Transport: a}
		arn := fmt.Sprintf("arn:%s:sns:%s:123456789012:bounces", r.partition, r.region)
		b.Config.SESTopics = []string{arn}
		if err := b.Config.Validate(); err != nil {
			t.Errorf("%s: %v", arn, err)
		}
		n := notice(bounce)
		n.TopicArn, n.SigningCertURL = arn, "https://"+r.host+"/SimpleNotificationService-0123abcd.pem"
		if code := b.call(a.notify(n)); code != http.StatusOK || len(b.outcomes.told) != 1 {
			t.Errorf("%s: answer %d", arn, code)
		}
		c := notification{Type: "SubscriptionConfirmation", MessageID: "m2", TopicArn: arn, Timestamp: now.Format(time.RFC3339), Token: "t",
			SubscribeURL: "https://" + r.host + "/?Action=ConfirmSubscription", SignatureVersion: "2", SigningCertURL: n.SigningCertURL}
		if code := b.call(a.notify(c)); code != http.StatusOK || len(a.fetched) != 2 {
			t.Errorf("%s, confirmation: answer %d, fetched %v", arn, code, a.fetched)
		}
		foreign := all[(i+1)%len(all)]
		n.SigningCertURL = "https://" + foreign.host + "/SimpleNotificationService-0123abcd.pem"
		if code := b.call(a.notify(n)); code != http.StatusForbidden {
			t.Errorf("%s with the certificate of %s: answer %d", arn, foreign.region, code)
		}
		c.SubscribeURL = "https://" + foreign.host + "/?Action=ConfirmSubscription"
		if code := b.call(a.notify(c)); code != http.StatusForbidden {
			t.Errorf("%s confirmed at %s: answer %d", arn, foreign.host, code)
		}
	}
}

// A certificate of the right host with the name of something else is refused,
// also that of another region's signatures.
func TestNamesOfCertificates(t *testing.T) {
	for _, name := range []string{"sns-signing.af-south-1.amazonaws.com", "sns.us-east-1.amazonaws.com", "amazonaws.com", "s3.eu-west-1.amazonaws.com", "*.amazonaws.com", "*.eu-west-1.amazonaws.com", "*.eu-west-1.amazonaws.com.evil.example"} {
		a := newAmazon(t, name, now.Add(time.Hour))
		b := newBench(t)
		b.Client = &http.Client{Transport: a}
		if code := b.call(a.notify(notice(file(t, "ses-bounce.json")))); code != http.StatusForbidden {
			t.Errorf("%s: answer %d", name, code)
		}
	}
}

// What a file holds above the certificate is checked up to a root, and what it
// lacks is not asked for.
func TestChains(t *testing.T) {
	const name = "sns.amazonaws.com"
	a := newAmazon(t, name, now.Add(time.Hour))
	root := newAuthority(t, "Root", nil)
	middle := newAuthority(t, "Middle", root)
	other := newAuthority(t, "Middle", newAuthority(t, "Root", nil)) // of the same names
	leaf := middle.issue(t, name, now.Add(time.Hour), &a.key.PublicKey)
	old := middle.issue(t, name, now.Add(-time.Hour), &a.key.PublicKey)
	itself, _ := certify(t, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}, &x509.Certificate{Subject: pkix.Name{CommonName: name}}, &a.key.PublicKey, a.key)
	for what, test := range map[string]struct {
		file []byte
		want int
	}{
		"alone":                        {leaf, http.StatusOK},
		"alone, by one that is known":  {root.issue(t, name, now.Add(time.Hour), &a.key.PublicKey), http.StatusOK},
		"with its issuer":              {slices.Concat(leaf, middle.file), http.StatusOK},
		"with all":                     {slices.Concat(leaf, middle.file, root.file), http.StatusOK},
		"expired, with its issuer":     {slices.Concat(old, middle.file), http.StatusForbidden},
		"with one of the same name":    {slices.Concat(leaf, other.file), http.StatusServiceUnavailable},
		"under a root that nobody has": {slices.Concat(other.issue(t, name, now.Add(time.Hour), &a.key.PublicKey), other.file), http.StatusServiceUnavailable},
		"issued by itself":             {itself, http.StatusServiceUnavailable},
		"with a damaged one":           {slices.Concat(leaf, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")), http.StatusServiceUnavailable},
		"of no certificate":            {[]byte("hello"), http.StatusServiceUnavailable},
	} {
		b := newBench(t)
		b.roots = x509.NewCertPool()
		b.roots.AddCert(root.cert)
		a.cert = test.file
		b.Client = &http.Client{Transport: a}
		if code := b.call(a.notify(notice(file(t, "ses-bounce.json")))); code != test.want {
			t.Errorf("%s: answer %d, want %d", what, code, test.want)
		}
	}
}

func TestTopics(t *testing.T) {
	for _, arn := range []string{"", "bounces", "arn:aws:sns:eu-west-1:1", "arn:aws:sqs:eu-west-1:1:b", "arn:aws:sns::1:b", "arn:evil:sns:eu-west-1:1:b",
		"arn:aws:sns:eu-west-1.evil.example/:1:b", "arn:aws:sns:EU:1:b", "arn:aws:sns:eu-west-1::b", "arn:aws:sns:eu-west-1:1:"} {
		if place, ok := regionOf(arn); ok {
			t.Errorf("%q is at %s", arn, place.host())
		}
	}
}

// What strangers can have fetched is bounded, and certificates that are known are
// not fetched again.
func TestFetchesAreBounded(t *testing.T) {
	a := newAmazon(t, "sns.amazonaws.com", now.Add(time.Hour))
	b := newBench(t)
	b.Client = &http.Client{Transport: a}
	bounce := file(t, "ses-bounce.json")
	if code := b.call(a.notify(notice(bounce))); code != http.StatusOK {
		t.Fatalf("answer %d", code)
	}
	for i := range 3 * perMinute {
		n := notice(bounce)
		n.SigningCertURL = fmt.Sprintf("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-%d.pem", i)
		b.call(a.notify(n))
	}
	if len(a.fetched) > perMinute {
		t.Errorf("%d were fetched", len(a.fetched))
	}
	if code := b.call(a.notify(notice(bounce))); code != http.StatusOK {
		t.Errorf("with a known certificate: %d", code)
	}
}

// The client of our own wants a certificate of the host by a root of the system,
// and follows no redirect.
func TestOwnClient(t *testing.T) {
	asked := 0
	far := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer far.Close()
	far.Config.ErrorLog = nil
	h := &Hooks{}
	if _, err := get(t.Context(), h.client(), far.URL); err == nil || asked != 0 {
		t.Errorf("a certificate of no known root: %v, asked %d", err, asked)
	}
	own := h.client()
	own.Transport = far.Client().Transport
	if _, err := get(t.Context(), own, far.URL); err == nil || asked != 1 {
		t.Errorf("a redirect: %v, asked %d", err, asked)
	}
}

func FuzzTopic(f *testing.F) {
	f.Add("arn:aws:sns:eu-west-1:123456789012:bounces", certURL)
	f.Fuzz(func(t *testing.T, arn, address string) {
		place, ok := regionOf(arn)
		if !ok || !place.certificate(address) {
			return
		}
		if !strings.HasPrefix(address, "https://sns."+place.region+"."+place.suffix+"/") {
			t.Errorf("%q for %q", address, arn)
		}
	})
}
