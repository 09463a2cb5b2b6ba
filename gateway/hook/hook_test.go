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
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		Log: slog.New(slog.NewTextHandler(noPanic{t}, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	if err := b.Config.Validate(); err != nil {
		t.Fatal(err)
	}
	return b
}

// call sends a request and returns the status.
// noPanic takes a log in which no panic may be: an answer that is out already does
// not show it.
type noPanic struct{ t testing.TB }

func (l noPanic) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "panic") {
		l.t.Errorf("%s", line)
	}
	return len(line), nil
}

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
	return signMailgunToken(event, at, "token1")
}

func signMailgunToken(event string, at time.Time, token string) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(mailgunKey))
	mac.Write([]byte(stamp + token))
	return fmt.Sprintf(`{"signature":{"timestamp":%q,"token":%q,"signature":%q},"event-data":%s}`, stamp, token, hex.EncodeToString(mac.Sum(nil)), event)
}

func fromPostmark(body string) *http.Request {
	r := post("postmark", body)
	user, password, _ := strings.Cut(rightLogin, ":")
	r.SetBasicAuth(user, password)
	return r
}

// short is what a test looks at.
type short struct {
	Kind      feedback.ToldKind
	Recipient string
	Final     bool
	Status    string
	Type      string
}

func shorts(all []feedback.Told) (s []short) {
	for _, t := range all {
		s = append(s, short{t.Kind, t.Recipient, t.Final, t.Status, t.Type})
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
		{feedback.ToldBounce, "gone@example.net", true, "5.1.1", ""},
		{feedback.ToldBounce, "full@example.net", false, "5.2.2", ""},
		{feedback.ToldBounce, "blocked@example.net", false, "5.7.1", ""},
		{feedback.ToldComplaint, "angry@example.net", false, "", "abuse"},
		{feedback.ToldOptOut, "leaves@example.net", false, "", ""},
		{feedback.ToldOptOut, "left@example.net", false, "", ""},
		{feedback.ToldWithheld, "dropped@example.net", false, "", ""},
		{feedback.ToldDelivered, "fine@example.net", false, "", ""},
		{feedback.ToldDeferred, "slow@example.net", false, "", ""},
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
		"postmark-bounce.json":      {{feedback.ToldBounce, "gone@example.net", true, "", ""}},
		"postmark-soft.json":        {{feedback.ToldBounce, "full@example.net", false, "", ""}},
		"postmark-complaint.json":   {{feedback.ToldComplaint, "angry@example.net", false, "", "abuse"}},
		"postmark-leaves.json":      {{feedback.ToldOptOut, "leaves@example.net", false, "", ""}},
		"postmark-comes-back.json":  nil,
		"postmark-by-operator.json": nil,
		"postmark-delivery.json":    {{feedback.ToldDelivered, "fine@example.net", false, "", ""}},
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
		"mailgun-failed.json":     {{feedback.ToldBounce, "gone@example.net", true, "5.1.1", ""}},
		"mailgun-temporary.json":  {{feedback.ToldDeferred, "full@example.net", false, "4.2.2", ""}},
		"mailgun-complained.json": {{feedback.ToldComplaint, "angry@example.net", false, "", "abuse"}},
		"mailgun-leaves.json":     {{feedback.ToldOptOut, "leaves@example.net", false, "", ""}},
		"mailgun-delivered.json":  {{feedback.ToldDelivered, "fine@example.net", false, "", ""}},
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
	altered := b.signSendGrid(t, body, now)
	altered.Body = post("", strings.Replace(body, "gone@", "victim@", 1)).Body
	unsigned := post("sendgrid", body)
	otherTime := b.signSendGrid(t, body, now)
	otherTime.Header.Set(sendGridTimestamp, strconv.FormatInt(now.Unix()+1, 10))
	noTime := b.signSendGrid(t, body, now)
	noTime.Header.Del(sendGridTimestamp)
	failed := file(t, "mailgun-failed.json")
	as := func(user, password, body string) *http.Request {
		r := post("postmark", body)
		r.SetBasicAuth(user, password)
		return r
	}
	for name, r := range map[string]*http.Request{
		"sendgrid unsigned":        unsigned,
		"sendgrid altered":         altered,
		"sendgrid another key":     mallory.signSendGrid(t, body, now),
		"sendgrid another time":    otherTime,
		"sendgrid no time":         noTime,
		"sendgrid forged, old":     mallory.signSendGrid(t, body, now.Add(-48*time.Hour)),
		"postmark no login":        post("postmark", file(t, "postmark-bounce.json")),
		"postmark another user":    as("admin", "a-long-password", file(t, "postmark-bounce.json")),
		"postmark no user":         as("", "", file(t, "postmark-bounce.json")),
		"postmark guess, no event": as("offramp", "guessed", "{}"),
		"postmark guess, no JSON":  as("offramp", "guessed", "hello"),
		"mailgun unsigned":         post("mailgun", `{"event-data":`+failed+`}`),
		"mailgun another token":    post("mailgun", strings.Replace(signMailgun(failed, now), "token1", "token2", 1)),
		"mailgun no JSON":          post("mailgun", "hello"),
		"mailgun a form":           post("mailgun", "event=failed&recipient=victim@example.net"),
		"ses no JSON":              post("ses", "hello"),
		"ses an event alone":       post("ses", file(t, "ses-bounce.json")),
	} {
		if code := b.call(r); code != http.StatusForbidden {
			t.Errorf("%s: answer %d", name, code)
		}
	}
	if len(b.outcomes.told) != 0 || len(b.Slips()) != 0 {
		t.Errorf("told %+v, slips %+v", b.outcomes.told, b.Slips())
	}
}

func TestAnswers(t *testing.T) {
	b := newBench(t)
	get := httptest.NewRequest(http.MethodGet, Prefix+"postmark", nil)
	large := fromPostmark(`"` + strings.Repeat("x", maxReport) + `"`)
	for name, test := range map[string]struct {
		r    *http.Request
		want int
	}{
		"another method":          {get, http.StatusMethodNotAllowed},
		"another vendor":          {post("sparkpost", "{}"), http.StatusNotFound},
		"no vendor":               {post("", "{}"), http.StatusNotFound},
		"too large":               {large, http.StatusRequestEntityTooLarge},
		"too large, a stranger's": {post("mailgun", `"`+strings.Repeat("x", maxBody)+`"`), http.StatusRequestEntityTooLarge},
		"names nobody":            {fromPostmark(`{"RecordType":"SpamComplaint","ID":1,"Email":"nobody"}`), http.StatusOK},
		"signed, no JSON":         {b.signSendGrid(t, "[", now), http.StatusBadRequest},
		"signed, other JSON":      {b.signSendGrid(t, `{"event":"bounce"}`, now), http.StatusBadRequest},
		"signed, odd events":      {b.signSendGrid(t, `[1,null,"x",{"event":7},{}]`, now), http.StatusOK},
		"login, no JSON":          {fromPostmark("x"), http.StatusBadRequest},
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
			r = post("mailgun", signMailgunToken(body, now, digest([]byte(body))))
		default:
			var e sesEvent
			if json.Unmarshal([]byte(body), &e) == nil {
				e.told()
			}
			return
		}
		if code := b.call(r); code != http.StatusOK && code != http.StatusBadRequest && code != http.StatusForbidden && code != http.StatusRequestEntityTooLarge {
			t.Errorf("answer %d", code)
		}
	})
}
