package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/record"
	"offramp/store"
)

// standardBody is the body of Standard Webhooks.
type standardBody struct {
	Type      string       `json:"type"`
	Timestamp time.Time    `json:"timestamp"`
	Data      record.Event `json:"data"`
}

// types are those of the events whose kinds do not name them well enough.
var types = map[store.EventKind]string{
	store.EventUnsubscribed: "recipient.unsubscribed", store.EventResubscribed: "recipient.resubscribed",
	store.EventPaused: "recipient.paused", store.EventLimited: "recipient.limited",
	store.EventSharingRefused: "recipient.sharing_refused", store.EventSharingAllowed: "recipient.sharing_allowed",
	store.EventBounced: "recipient.bounced", store.EventComplained: "recipient.complained", store.EventErased: "recipient.erased",
	store.EventSuppressed: "suppression.created", store.EventUnsuppressed: "suppression.deleted",
	store.EventFailed: "message.failed", store.EventDropped: "message.suppressed",
}

func typeOf(kind store.EventKind) string {
	if name := types[kind]; name != "" {
		return name
	}
	return "event." + strings.ReplaceAll(string(kind), "-", "_")
}

// standard makes a call of Standard Webhooks 1.0. Who asked from where is evidence
// that stays here.
func (r *receiver) standard(name string, e store.Event) (call, error) {
	data := record.EventOf(e)
	data.IP, data.UserAgent = "", ""
	body, err := encode(standardBody{Type: name, Timestamp: e.Time.UTC(), Data: data})
	if err != nil {
		return call{}, err
	}
	now := r.now()
	id, at := idOf(e), strconv.FormatInt(now.Unix(), 10)
	var signatures []string
	for _, secret := range r.settings.valid(now) {
		key, err := standardKey(secret)
		if err != nil {
			return call{}, fmt.Errorf("secret: %w", err)
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	h := http.Header{}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", at)
	h.Set("Webhook-Signature", strings.Join(signatures, " "))
	return call{header: h, body: body}, nil
}
