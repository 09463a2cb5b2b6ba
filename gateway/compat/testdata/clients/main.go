package main

import (
	_ "github.com/mailgun/mailgun-go/v4"
	_ "github.com/sendgrid/sendgrid-go"
)

func main() {}
