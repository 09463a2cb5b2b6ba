package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// slip is a metric that says for how long webhooks of a vendor are not accepted.
var slip = regexp.MustCompile(`^offramp_hooks_misconfigured_seconds\{(?:cause="([a-z]+)",vendor="([a-z]+)"|vendor="([a-z]+)",cause="([a-z]+)")\}$`)

// slipAlarm is for how long before it is a failure: until then a vendor that
// repeats its calls loses nothing.
const slipAlarm = time.Hour

// slipRemedies are what a person can do, by cause.
var slipRemedies = map[string]string{
	"login": "set OFFRAMP_HOOK_POSTMARK_LOGIN and the webhook's basic authentication at Postmark to the same user and password",
	"topic": "add the topic that the log names to OFFRAMP_HOOK_SES_TOPICS, or end its subscription",
	"clock": "set this server's clock right, with NTP",
}

// slips returns a finding for each vendor whose webhooks are not accepted for a
// setting, or the clock.
func slips(counts map[string]int64) (all []finding) {
	for metric, seconds := range counts {
		m := slip.FindStringSubmatch(metric)
		if m == nil {
			continue
		}
		cause, vendor := m[1]+m[4], m[2]+m[3]
		text := fmt.Sprintf("webhooks of %s are not accepted because of the %s", vendor, cause)
		if off := counts[`offramp_hooks_clock_difference_seconds{vendor="`+vendor+`"}`]; cause == "clock" && off != 0 {
			direction := "ahead of"
			if off < 0 {
				off, direction = -off, "behind"
			}
			text += fmt.Sprintf(", which is %s %s theirs", time.Duration(off)*time.Second, direction)
		}
		f := finding{State: findWarn, What: "webhooks", Text: text, Do: slipRemedies[cause]}
		if lasts := time.Duration(seconds) * time.Second; lasts >= slipAlarm {
			f.State = findFail
			f.Text += fmt.Sprintf(", for %s: what the vendor gives up to repeat is lost", lasts)
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b finding) int { return strings.Compare(a.Text, b.Text) })
	return all
}
