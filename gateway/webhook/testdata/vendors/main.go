// Command vendors verifies calls by the vendors' own code. It reads one call as JSON
// on standard input, and ends with 0 when the vendor's library takes the signature.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/mailgun/mailgun-go/v4"
	"github.com/mailgun/mailgun-go/v4/events"
	"github.com/sendgrid/sendgrid-go/helpers/eventwebhook"
)

type call struct {
	Format, Key, Signature, Timestamp string
	Body                              []byte
}

func main() {
	var c call
	if err := json.NewDecoder(os.Stdin).Decode(&c); err != nil {
		fail(err)
	}
	verify := map[string]func(call) (bool, error){"sendgrid": sendGrid, "mailgun": mailGun}[c.Format]
	ok, err := verify(c)
	if err != nil {
		fail(err)
	}
	if !ok {
		fail(fmt.Errorf("the signature is not valid"))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func sendGrid(c call) (bool, error) {
	key, err := eventwebhook.ConvertPublicKeyBase64ToECDSA(c.Key)
	if err != nil {
		return false, err
	}
	return eventwebhook.VerifySignature(key, c.Body, c.Signature, c.Timestamp)
}

func mailGun(c call) (bool, error) {
	var payload mailgun.WebhookPayload
	if err := json.Unmarshal(c.Body, &payload); err != nil {
		return false, err
	}
	e, err := mailgun.ParseEvent(payload.EventData)
	if err != nil {
		return false, err
	}
	fmt.Println(e.GetName(), e.GetID())
	if u, ok := e.(*events.Unsubscribed); ok && u.Recipient == "" {
		return false, fmt.Errorf("no recipient")
	}
	mg := mailgun.NewMailgun("example.org", "key")
	mg.SetWebhookSigningKey(c.Key)
	return mg.VerifyWebhookSignature(payload.Signature)
}
