package web

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
)

// The page's grounds in style.css, which accents are read on.
const (
	groundLight = "#ffffff"
	groundDark  = "#14171a"
	// leastContrast is that of text (WCAG 2.2 success criterion 1.4.3).
	leastContrast = 4.5
)

// colour is red, green and blue.
type colour [3]byte

// parseColour reads #rrggbb.
func parseColour(s string) (c colour, err error) {
	if len(s) != 7 || s[0] != '#' {
		return c, errors.New("not #rrggbb")
	}
	b, err := hex.DecodeString(s[1:])
	if err != nil {
		return c, fmt.Errorf("not #rrggbb: %w", err)
	}
	return colour(b), nil
}

func (c colour) String() string { return "#" + hex.EncodeToString(c[:]) }

// contrast is the contrast ratio of WCAG 2, from 1 to 21.
func (c colour) contrast(other colour) float64 {
	a, b := c.luminance(), other.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// luminance is the relative luminance of WCAG 2.
func (c colour) luminance() float64 {
	sum := 0.0
	for i, weight := range [...]float64{0.2126, 0.7152, 0.0722} {
		part := float64(c[i]) / 255
		if part <= 0.04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}

// onIt is the colour of text on c: black or white, whichever is read better.
func (c colour) onIt() colour {
	black, white := colour{}, colour{255, 255, 255}
	if c.contrast(black) > c.contrast(white) {
		return black
	}
	return white
}

// accents are the style rules that replace the default colours by the operator's.
func (c Config) accents() string {
	rule := func(value string) string {
		accent, err := parseColour(value)
		if err != nil {
			return "" // not set, or refused by Validate
		}
		return fmt.Sprintf(":root { --accent: %s; --on-accent: %s; }\n", accent, accent.onIt())
	}
	css := rule(c.PageAccent)
	if css != "" && c.PageAccentDark == "" {
		// An accent for light ground may be unreadable on dark one: ours stays there.
		css = "@media not (prefers-color-scheme: dark) {\n" + css + "}\n"
	}
	if dark := rule(c.PageAccentDark); dark != "" {
		css += "@media (prefers-color-scheme: dark) {\n" + dark + "}\n"
	}
	return css
}
