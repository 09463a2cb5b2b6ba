package hook

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/gateway/diagnosis"
	"offramp/gateway/feedback"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// outcomes keeps what is told.
type outcomes struct {
	told []feedback.Told
	err  error
}

func (o *outcomes) Told(_ context.Context, t feedback.Told) (bool, error) {
	if o.err != nil {
		return false, o.err
	}
	o.told = append(o.told, t)
	return strings.Contains(t.Recipient, "@"), nil
}

const (
	mailgunKey = "key-0123456789"
	rightLogin = "offramp:a-long-password"
	topic      = "arn:aws:sns:eu-west-1:123456789012:bounces"
)

// bench is hooks for every vendor.
type bench struct {
	*Hooks
	outcomes *outcomes
	sendGrid *ecdsa.PrivateKey
}

func newBench(t testing.TB) *bench {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{outcomes: &outcomes{}, sendGrid: key}
	b.Hooks = &Hooks{
		Config: Config{
			SendGridKey: base64.StdEncoding.EncodeToString(der), MailgunKey: mailgunKey, PostmarkLogin: rightLogin, SESTopics: []string{topic},
		},
		Outcomes: b.outcomes, Now: func() time.Time { return now }, Stats: new(Stats),
	}
	if err := b.Config.Validate(); err != nil {
		t.Fatal(err)
	}
	return b
}

// call sends a request and returns the status.
func (b *bench) call(r *http.Request) int {
	w := httptest.NewRecorder()
	b.In(http.NotFoundHandler()).ServeHTTP(w, r)
	return w.Code
}

func post(vendor, body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, Prefix+vendor, strings.NewReader(body))
}

// signSendGrid signs a call as SendGrid does.
func (b *bench) signSendGrid(t testing.TB, body string, at time.Time) *http.Request {
	t.Helper()
	stamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256([]byte(stamp + body))
	signature, err := ecdsa.SignASN1(rand.Reader, b.sendGrid, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	r := post("sendgrid", body)
	r.Header.Set(sendGridTimestamp, stamp)
	r.Header.Set(sendGridSignature, base64.StdEncoding.EncodeToString(signature))
	return r
}

func signMailgun(event string, at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(mailgunKey))
	mac.Write([]byte(stamp + "token1"))
	return fmt.Sprintf(`{"signature":{"timestamp":%q,"token":"token1","signature":%q},"event-data":%s}`, stamp, hex.EncodeToString(mac.Sum(nil)), event)
}

func fromPostmark(body string) *http.Request {
	r := post("postmark", body)
	user, password, _ := strings.Cut(rightLogin, ":")
	r.SetBasicAuth(user, password)
	return r
}

// short is what a test looks at.
type short struct {
	Kind      diagnosis.Kind
	Recipient string
	Permanent bool
	Status    string
	Type      string
}

func shorts(all []feedback.Told) (s []short) {
	for _, t := range all {
		s = append(s, short{t.Kind, t.Recipient, t.Permanent, t.Status, t.Type})
	}
	return s
}

func file(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestSendGrid(t *testing.T) {
	b := newBench(t)
	body := file(t, "sendgrid.json")
	if code := b.call(b.signSendGrid(t, body, now)); code != http.StatusOK {
		t.Fatalf("answer %d", code)
	}
	want := []short{
		{diagnosis.Bounce, "gone@example.net", true, "5.1.1", ""},
		{diagnosis.Bounce, "full@example.net", false, "5.2.2", ""},
		{diagnosis.Bounce, "blocked@example.net", false, "5.7.1", ""},
		{diagnosis.Complaint, "angry@example.net", false, "", "abuse"},
		{diagnosis.OptOut, "leaves@example.net", false, "", ""},
		{diagnosis.OptOut, "left@example.net", false, "", ""},
		{diagnosis.Bounce, "dropped@example.net", true, "", ""},
	}
	if diff := cmp.Diff(want, shorts(b.outcomes.told)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ids := map[string]bool{}
	for _, o := range b.outcomes.told {
		ids[o.ID] = true
	}
	if len(ids) != len(want) {
		t.Errorf("%d IDs of %d events", len(ids), len(want))
	}
}

func TestPostmark(t *testing.T) {
	for name, want := range map[string][]short{
		"postmark-bounce.json":      {{diagnosis.Bounce, "gone@example.net", true, "", ""}},
		"postmark-soft.json":        {{diagnosis.Bounce, "full@example.net", false, "", ""}},
		"postmark-complaint.json":   {{diagnosis.Complaint, "angry@example.net", false, "", "abuse"}},
		"postmark-leaves.json":      {{diagnosis.OptOut, "leaves@example.net", false, "", ""}},
		"postmark-comes-back.json":  nil,
		"postmark-by-operator.json": nil,
		"postmark-delivery.json":    nil,
	} {
		b := newBench(t)
		if code := b.call(fromPostmark(file(t, name))); code != http.StatusOK {
			t.Errorf("%s: answer %d", name, code)
		}
		if diff := cmp.Diff(want, shorts(b.outcomes.told)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMailgun(t *testing.T) {
	for name, want := range map[string][]short{
		"mailgun-failed.json":     {{diagnosis.Bounce, "gone@example.net", true, "5.1.1", ""}},
		"mailgun-temporary.json":  {{diagnosis.Bounce, "full@example.net", false, "4.2.2", ""}},
		"mailgun-complained.json": {{diagnosis.Complaint, "angry@example.net", false, "", "abuse"}},
		"mailgun-leaves.json":     {{diagnosis.OptOut, "leaves@example.net", false, "", ""}},
		"mailgun-delivered.json":  nil,
	} {
		b := newBench(t)
		if code := b.call(post("mailgun", signMailgun(file(t, name), now))); code != http.StatusOK {
			t.Errorf("%s: answer %d", name, code)
		}
		if diff := cmp.Diff(want, shorts(b.outcomes.told)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Nothing is believed that its vendor did not sign, or signed long ago.
func TestForgeries(t *testing.T) {
	b, mallory := newBench(t), newBench(t)
	body := file(t, "sendgrid.json")
	old := now.Add(-tolerance - time.Second)
	altered := b.signSendGrid(t, body, now)
	altered.Body = post("", strings.Replace(body, "gone@", "victim@", 1)).Body
	unsigned := post("sendgrid", body)
	otherTime := b.signSendGrid(t, body, now)
	otherTime.Header.Set(sendGridTimestamp, strconv.FormatInt(now.Unix()+1, 10))
	wrongLogin := fromPostmark(file(t, "postmark-bounce.json"))
	wrongLogin.SetBasicAuth("offramp", "guessed")
	failed := file(t, "mailgun-failed.json")
	for name, r := range map[string]*http.Request{
		"sendgrid unsigned":     unsigned,
		"sendgrid altered":      altered,
		"sendgrid another key":  mallory.signSendGrid(t, body, now),
		"sendgrid another time": otherTime,
		"sendgrid old":          b.signSendGrid(t, body, old),
		"sendgrid to come":      b.signSendGrid(t, body, now.Add(time.Hour)),
		"postmark no login":     post("postmark", file(t, "postmark-bounce.json")),
		"postmark wrong login":  wrongLogin,
		"mailgun unsigned":      post("mailgun", `{"event-data":`+failed+`}`),
		"mailgun another token": post("mailgun", strings.Replace(signMailgun(failed, now), "token1", "token2", 1)),
		"mailgun old":           post("mailgun", signMailgun(failed, old)),
	} {
		if code := b.call(r); code != http.StatusForbidden {
			t.Errorf("%s: answer %d", name, code)
		}
	}
	if len(b.outcomes.told) != 0 {
		t.Errorf("told %+v", b.outcomes.told)
	}
}

func TestAnswers(t *testing.T) {
	b := newBench(t)
	get := httptest.NewRequest(http.MethodGet, Prefix+"postmark", nil)
	large := fromPostmark(`"` + strings.Repeat("x", maxBody) + `"`)
	for name, test := range map[string]struct {
		r    *http.Request
		want int
	}{
		"another method":     {get, http.StatusMethodNotAllowed},
		"another vendor":     {post("sparkpost", "{}"), http.StatusNotFound},
		"no vendor":          {post("", "{}"), http.StatusNotFound},
		"too large":          {large, http.StatusRequestEntityTooLarge},
		"signed, no JSON":    {b.signSendGrid(t, "[", now), http.StatusBadRequest},
		"signed, other JSON": {b.signSendGrid(t, `{"event":"bounce"}`, now), http.StatusBadRequest},
		"signed, odd events": {b.signSendGrid(t, `[1,null,"x",{"event":7},{}]`, now), http.StatusOK},
		"login, no JSON":     {fromPostmark("x"), http.StatusBadRequest},
	} {
		if got := b.call(test.r); got != test.want {
			t.Errorf("%s: answer %d, want %d", name, got, test.want)
		}
	}
	b.Config = Config{}
	for _, vendor := range []string{"sendgrid", "postmark", "mailgun", "ses"} {
		if got := b.call(post(vendor, "{}")); got != http.StatusNotFound {
			t.Errorf("%s without a setting: %d", vendor, got)
		}
	}
	b = newBench(t)
	b.outcomes.err = errors.New("store away")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, fromPostmark(file(t, "postmark-bounce.json")))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "store") {
		t.Errorf("without a store: %d %s", w.Code, w.Body)
	}
	b.Base = "/mail"
	b.outcomes.err = nil
	r := fromPostmark(file(t, "postmark-bounce.json"))
	r.URL.Path = "/mail" + r.URL.Path
	if got := b.call(r); got != http.StatusOK {
		t.Errorf("below a path: %d", got)
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]Config{
		"OFFRAMP_HOOK_SENDGRID_KEY":   {SendGridKey: "c29tZXRoaW5n"},
		"OFFRAMP_HOOK_POSTMARK_LOGIN": {PostmarkLogin: "user:short"},
		"OFFRAMP_HOOK_SES_TOPICS":     {SESTopics: []string{"bounces"}},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Error(err)
	}
}

func FuzzHooks(f *testing.F) {
	b := newBench(f)
	f.Add("sendgrid", file(f, "sendgrid.json"))
	f.Add("mailgun", file(f, "mailgun-failed.json"))
	f.Add("postmark", file(f, "postmark-bounce.json"))
	f.Add("ses", file(f, "ses-bounce.json"))
	f.Fuzz(func(t *testing.T, vendor, body string) {
		var r *http.Request
		switch vendor {
		case "sendgrid":
			r = b.signSendGrid(t, body, now)
		case "postmark":
			r = fromPostmark(body)
		case "mailgun":
			if !json.Valid([]byte(body)) {
				t.Skip()
			}
			r = post("mailgun", signMailgun(body, now))
		default:
			var e sesEvent
			if json.Unmarshal([]byte(body), &e) == nil {
				e.told("id")
			}
			return
		}
		if code := b.call(r); code != http.StatusOK && code != http.StatusBadRequest && code != http.StatusRequestEntityTooLarge {
			t.Errorf("answer %d", code)
		}
	})
}
