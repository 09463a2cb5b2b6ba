package language

import "strings"

// hostile is as much work as a wish can make.
var hostile = strings.Repeat("xy-Latn-DE-u-co-phonebk,", 4000)
