package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// confirm asks before something that cannot be taken back. Where nobody can be
// asked, --yes is needed.
func (a *app) confirm(question string, yes bool) error {
	if yes {
		return nil
	}
	if !a.inputTTY {
		return fault("%s There is no terminal to ask on: add --yes", question)
	}
	fmt.Fprintf(a.stderr, "%s Type yes: ", question)
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != "yes" {
		a.say("Nothing was changed.")
		return silent{exitFailed}
	}
	return nil
}
