package chain

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"offramp/gateway/callout"
	"offramp/listunsub"
)

// post makes the call of RFC 8058 section 3.2: the pair of List-Unsubscribe-Post
// as the body of a POST, without cookies, authentication or anything else that
// was not in the message, and without following a redirect.
func (c *Chain) post(ctx context.Context, uri string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(listunsub.PostValue))
	if err != nil {
		return answer{text: "no valid URL"}, nil
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "Offramp")
	reply, err := c.Caller.Do(r)
	switch {
	case errors.Is(err, callout.ErrRefused):
		return answer{text: err.Error()}, nil
	case err != nil:
		return answer{}, err
	case reply.Status/100 == 2:
		c.Stats.orNone().Posted.Add(1)
		return answer{taken: true, text: status(reply.Status)}, nil
	case mayChange(reply.Status):
		return answer{}, &answerError{status(reply.Status)}
	}
	return answer{text: status(reply.Status)}, nil
}

// mayChange says whether another call can have another answer.
func mayChange(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return code >= 500
}

func status(code int) string {
	if text := http.StatusText(code); text != "" {
		return fmt.Sprintf("POST answered %d %s", code, text)
	}
	return fmt.Sprintf("POST answered %d", code)
}
