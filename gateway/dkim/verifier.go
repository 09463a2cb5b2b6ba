package dkim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
	"golang.org/x/net/publicsuffix"
)

// Resolver looks up the records that keys are published in.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Verifier checks the signatures of others.
type Verifier struct {
	Resolver Resolver // nil: net.DefaultResolver
}

// Bounds of what the signatures of one message may cost: whose keys are looked up
// is up to whoever wrote it.
const (
	maxSignatures = 5    // look-ups
	maxRecord     = 2048 // bytes of a key record: RSA of 8192 bits fits, checking with more takes seconds
)

// Verify returns the signing domains whose signatures are right, in lower case.
// It never fails for what a message holds; an error says that no signature is
// right and a key could not be looked up for now (RFC 6376 section 6.1.2).
func (v Verifier) Verify(ctx context.Context, raw []byte) (domains []string, err error) {
	all, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{
		LookupTXT:        func(name string) ([]string, error) { return v.lookUp(ctx, name) },
		MaxVerifications: maxSignatures,
	})
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		return nil, nil // a message that cannot be read has no signature
	}
	var temporary error
	for _, one := range all {
		switch {
		case one.Err == nil:
			domains = append(domains, strings.ToLower(strings.TrimSuffix(one.Domain, ".")))
		case dkim.IsTempFail(one.Err):
			temporary = one.Err
		}
	}
	if len(domains) == 0 && temporary != nil {
		return nil, fmt.Errorf("look up a DKIM key: %w", temporary)
	}
	return domains, nil
}

// lookUp asks for one name and no other: without the dot at its end, the search
// domains of this machine would be asked, too.
func (v Verifier) lookUp(ctx context.Context, name string) ([]string, error) {
	var resolver Resolver = net.DefaultResolver
	if v.Resolver != nil {
		resolver = v.Resolver
	}
	records, err := resolver.LookupTXT(ctx, strings.TrimSuffix(name, ".")+".")
	if err != nil {
		return nil, err // go-msgauth tells by its type whether to try again
	}
	return slices.DeleteFunc(slices.Clone(records), func(r string) bool { return len(r) > maxRecord }), nil
}

// Aligned says whether a signing domain is aligned with a From domain: they have the
// same organizational domain (RFC 7489 section 3.1.1, relaxed).
func Aligned(signing, from string) bool {
	signing, from = aLabel(signing), aLabel(from)
	if signing == "" || from == "" {
		return false
	}
	if signing == from {
		return true
	}
	a, errA := publicsuffix.EffectiveTLDPlusOne(signing)
	b, errB := publicsuffix.EffectiveTLDPlusOne(from)
	return errA == nil && errB == nil && a == b
}
