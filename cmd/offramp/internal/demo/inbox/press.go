package inbox

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"offramp/listunsub"
)

// Answer is what came back for a one-click request.
type Answer struct {
	URL    string
	Status int
	Body   string // at most 4 KiB
}

// OneClickBody is what providers post (RFC 8058 section 3.2).
const OneClickBody = listunsub.PostValue

// Press sends the one-click request for a URI as a mailbox provider does: no
// cookie, no referrer, and a redirect is not followed (RFC 8058 section 3.1).
func Press(ctx context.Context, transport http.RoundTripper, uri string) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(OneClickBody))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	return Answer{URL: uri, Status: resp.StatusCode, Body: string(body)}, err
}
