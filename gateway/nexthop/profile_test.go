package nexthop

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestProfileOfTheHost(t *testing.T) {
	for host, want := range map[string]string{
		"email-smtp.eu-west-1.amazonaws.com":                        "ses",
		"Email-SMTP-FIPS.us-east-1.amazonaws.com.":                  "ses",
		"email-smtp.cn-north-1.amazonaws.com.cn":                    "ses",
		"vpce-0a1b-c2d3.email-smtp.eu-central-1.vpce.amazonaws.com": "ses",
		"ec2-192-0-2-1.compute.amazonaws.com":                       "generic",
		"in-v3.mailjet.com":                                         "mailjet",
		"smtp-relay.brevo.com":                                      "brevo",
		"smtp-relay.sendinblue.com":                                 "brevo",
		"smtp.postmarkapp.com":                                      "postmark",
		"smtp.sendgrid.net":                                         "generic",
		"smtp.mailgun.org":                                          "mailgun",
		"smtp.eu.mailgun.org":                                       "mailgun",
		"smtp-relay.gmail.com":                                      "generic",
		"example-com.mail.protection.outlook.com":                   "generic",
		"notmailjet.com":                                            "generic",
		"mailjet.com.example":                                       "generic",
		"127.0.0.1":                                                 "generic",
		"email-smtp.example.com":                                    "generic",
	} {
		if got := profileOf(host); got.Name != want {
			t.Errorf("%s: %s, want %s", host, got.Name, want)
		}
	}
}

func TestProfileSetting(t *testing.T) {
	const amazon, own = "smtp+starttls://u:p@email-smtp.eu-west-1.amazonaws.com:587", "smtp://mail.example.com"
	for name, c := range map[string]struct {
		servers, words []string
		want           string // or the error
	}{
		"by host name":       {[]string{amazon, own}, nil, "ses generic"},
		"empty":              {[]string{amazon, own}, []string{""}, "ses generic"},
		"one for all":        {[]string{amazon, own}, []string{"Unsigned"}, "unsigned unsigned"},
		"one for each":       {[]string{amazon, own}, []string{"auto", " ses"}, "ses ses"},
		"too many":           {[]string{own}, []string{"ses", "ses"}, "OFFRAMP_NEXT_HOP_PROFILE: the number of words is 2, and of next hops 1"},
		"unknown":            {[]string{own}, []string{"sendmail"}, `OFFRAMP_NEXT_HOP_PROFILE: unknown profile "sendmail": use auto, generic, ses, mailjet`},
		"exchangers":         {[]string{"mx"}, nil, "generic"},
		"exchangers, chosen": {[]string{"mx"}, []string{"unsigned"}, "unsigned"},
		"exchangers, many":   {[]string{"mx"}, []string{"unsigned", "ses"}, "OFFRAMP_NEXT_HOP_PROFILE: the number of words is 2, and of next hops 1"},
	} {
		t.Run(name, func(t *testing.T) {
			config := Config{Servers: c.servers, Profile: c.words}
			all, err := config.Profiles()
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
				if config.Validate() == nil {
					t.Error("the settings are valid all the same")
				}
				return
			}
			var got []string
			for _, p := range all {
				got = append(got, p.Profile.Name)
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("profiles %s, want %s", text, c.want)
			}
		})
	}
}

// The setting's help and the page name every profile.
func TestProfilesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/next-hops.md")
	if err != nil {
		t.Fatal(err)
	}
	field, _ := reflect.TypeFor[Config]().FieldByName("Profile")
	for _, word := range profileWords() {
		if !strings.Contains(field.Tag.Get("doc"), word) {
			t.Errorf("the help of the setting does not name %s", word)
		}
		if !strings.Contains(string(page), "`"+word+"`") {
			t.Errorf("docs/next-hops.md does not name the profile %s", word)
		}
	}
	for _, p := range profiles {
		if p.Means == "" {
			t.Errorf("%s says nothing to operators", p.Name)
		}
	}
}
