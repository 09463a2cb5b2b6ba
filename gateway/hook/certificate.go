package hook

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"offramp/gateway/throttle"
)

// suffixes are the domains of Amazon's partitions ("Amazon Resource Names").
var suffixes = map[string]string{
	"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu",
	"aws-iso": "c2s.ic.gov", "aws-iso-b": "sc2s.sgov.gov", "aws-iso-e": "cloud.adc-e.uk", "aws-iso-f": "csp.hci.ic.gov",
}

// place is a region of Amazon.
type place struct{ partition, region, suffix string }

var regionName = regexp.MustCompile(`^[a-z]{2,8}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$`)

// regionOf returns the region of a topic: arn:PARTITION:sns:REGION:ACCOUNT:NAME.
func regionOf(topic string) (place, bool) {
	parts := strings.Split(topic, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" || parts[4] == "" || parts[5] == "" || !regionName.MatchString(parts[3]) {
		return place{}, false
	}
	suffix, known := suffixes[parts[1]]
	return place{parts[1], parts[3], suffix}, known
}

// host is that of SNS in the region.
func (p place) host() string { return "sns." + p.region + "." + p.suffix }

var certificatePath = regexp.MustCompile(`^/SimpleNotificationService-[A-Za-z0-9]+\.pem$`)

// certificate says whether a URL is that of a signing certificate of the region.
func (p place) certificate(address string) bool {
	path, ok := strings.CutPrefix(address, "https://"+p.host())
	return ok && certificatePath.MatchString(path)
}

// names are those that a signing certificate of the region can have: the name of
// old regions is the same in all of a partition, and the later ones have their
// own (SnsHostProvider of the AWS SDK for Java 2).
func (p place) names() []string {
	names := []string{"sns." + p.suffix, p.host(), "sns-signing." + p.region + "." + p.suffix, "sns-" + p.region + "." + p.suffix}
	if p.partition == "aws-us-gov" {
		names = append(names, "sns-us-gov-west-1."+p.suffix)
	}
	return names
}

// certificates keeps the keys of signing certificates. Each is fetched over
// https from Amazon's own host, whose certificate is checked then. It is checked
// itself, too, for its name and time, and against the roots of the system as far
// as the file allows: see chained.
type certificates struct {
	mu      sync.Mutex
	keys    map[string]certificate
	fetches throttle.Buckets[string]
}

type certificate struct {
	key        *rsa.PublicKey
	start, end time.Time
}

const (
	// maxCertificates bounds the memory; there is about one for each region a year.
	maxCertificates = 50
	// perMinute bounds what strangers can have fetched from Amazon with URLs that
	// they make up.
	perMinute = 20
)

// valid says whether a certificate is valid at the time at which it signed.
func (c certificate) valid(at time.Time) bool { return !at.Before(c.start) && !at.After(c.end) }

// get returns the certificate at an address of a region, which is the same for
// ever: its name is a digest.
func (k *certificates) get(c *call, address string, from place) (certificate, error) {
	k.mu.Lock()
	one, known := k.keys[address]
	k.fetches.PerMinute = perMinute
	k.mu.Unlock()
	if known {
		return one, nil
	}
	if !k.fetches.Take(from.host(), c.now) {
		return one, fmt.Errorf("%w: too many certificates were fetched", errLater)
	}
	data, err := get(c.ctx, c.h.client(), address)
	if err != nil {
		return one, fmt.Errorf("%w: fetch the certificate: %w", errLater, err)
	}
	chain, err := certificatesIn(data)
	if err != nil {
		return one, fmt.Errorf("%w: %w", errLater, err)
	}
	cert := chain[0]
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || !isNamed(cert, from.names()) {
		return one, fmt.Errorf("%w: the certificate is not for SNS", errSignature)
	}
	if err := chained(chain, c.h.roots, c.now); err != nil {
		return one, fmt.Errorf("%w: the certificate: %w", errLater, err)
	}
	one = certificate{key, cert.NotBefore, cert.NotAfter}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys) >= maxCertificates {
		k.keys = nil
	}
	if k.keys == nil {
		k.keys = make(map[string]certificate)
	}
	k.keys[address] = one
	return one, nil
}

// certificatesIn reads a file in PEM: the signing certificate, and those above it
// where it has any.
func certificatesIn(data []byte) (chain []*x509.Certificate, err error) {
	for len(chain) < maxChain {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		chain, data = append(chain, cert), rest
	}
	if len(chain) == 0 {
		return nil, errors.New("no certificate at its address")
	}
	return chain, nil
}

// maxChain is how many certificates of a file are read.
const maxChain = 8

// chained checks a certificate against roots, nil for those of the system, with
// what else the file holds. SNS serves the signing certificate alone, without the
// intermediate authority that issued it, so a chain that ends at an issuer which
// is not known is accepted: the file came from Amazon's host by https. What is
// wrong with a chain that is there, and a certificate that no authority issued, is
// not. Its own time is not checked here but against that of the signature.
func chained(chain []*x509.Certificate, roots *x509.CertPool, now time.Time) error {
	cert, above := chain[0], x509.NewCertPool()
	for _, one := range chain[1:] {
		above.AddCert(one)
	}
	if now.Before(cert.NotBefore) {
		now = cert.NotBefore
	} else if now.After(cert.NotAfter) {
		now = cert.NotAfter
	}
	_, err := cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: above, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	var unknown x509.UnknownAuthorityError
	var none x509.SystemRootsError
	alone := len(chain) == 1 && !bytes.Equal(cert.RawIssuer, cert.RawSubject)
	if alone && (errors.As(err, &unknown) || errors.As(err, &none)) {
		return nil
	}
	return err
}

// isNamed says whether a certificate is for one of some hosts: by its alternative
// names as they are, without wildcards, or without any, by its common name.
func isNamed(cert *x509.Certificate, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return slices.Contains(cert.DNSNames, name) || len(cert.DNSNames) == 0 && cert.Subject.CommonName == name
	})
}
