package feedback

import (
	"context"
	"fmt"
	"time"

	"offramp/gateway/dkim"
	"offramp/gateway/mime"
)

// Verifier says which domains have signed a message. An error is temporary.
type Verifier interface {
	Verify(ctx context.Context, raw []byte) (domains []string, err error)
}

// verifyTime bounds the look-ups for one report.
const verifyTime = 15 * time.Second

// verified says whether a report has a signature of its From domain that is
// right (RFC 9477 section 3.5).
func (m *mail) verified(ctx context.Context) (bool, error) {
	from := mime.FromDomain(m.header.Get("From"))
	if m.f.Verify == nil || from == "" || !m.whole || m.header.Count("From") != 1 {
		return false, nil
	}
	// Whose keys are asked for is up to whoever wrote it.
	ctx, cancel := context.WithTimeout(ctx, verifyTime)
	defer cancel()
	domains, err := m.f.Verify.Verify(ctx, m.raw)
	if err != nil {
		return false, fmt.Errorf("verify a report: %w", err)
	}
	for _, d := range domains {
		if dkim.Aligned(d, from) {
			return true, nil
		}
	}
	return false, nil
}
