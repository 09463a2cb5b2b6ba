package listunsub_test

import (
	"errors"
	"fmt"
	"time"

	"offramp/listunsub"
)

// A key for the examples. Make your own with NewKey and keep it secret.
const exampleKey = "c29tZSBrZXkgZm9yIHRoZSBleGFtcGxlcyBvbmx5ISE="

func Example() {
	ring, err := listunsub.ParseKeyRing(exampleKey)
	if err != nil {
		panic(err)
	}
	sent := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)

	// For each recipient of a mail to a list:
	token, err := ring.Seal(listunsub.Claims{
		List: listunsub.CanonicalID("News.example.com"), Recipient: "ada@example.net",
		Issued: sent, Purpose: listunsub.HeaderLink,
	})
	if err != nil {
		panic(err)
	}
	value, err := listunsub.Compose("https://lists.example.com/u/" + token)
	if err != nil {
		panic(err)
	}
	fmt.Println("List-Unsubscribe:", value)
	fmt.Println("List-Unsubscribe-Post:", listunsub.PostValue)

	// When the POST comes:
	claims, err := ring.Open(token, listunsub.HeaderLink)
	if err != nil {
		panic(err)
	}
	fmt.Println(claims.Recipient, "leaves", claims.List)
	// Output:
	// List-Unsubscribe: <https://lists.example.com/u/AUioGN1DCKYg6Ab_4XdXBntWAQ6reNcZgbnS4Cp2yn_bcdylHkS1oPd-UMN6iN4BGOOt-ZINjA>
	// List-Unsubscribe-Post: List-Unsubscribe=One-Click
	// ada@example.net leaves news.example.com
}

func ExampleKeyRing_Open() {
	ring, err := listunsub.ParseKeyRing(exampleKey)
	if err != nil {
		panic(err)
	}
	token, err := ring.Seal(listunsub.Claims{List: "news.example.com", Recipient: "ada@example.net", Purpose: listunsub.BodyLink})
	if err != nil {
		panic(err)
	}
	_, err = ring.Open(token, listunsub.HeaderLink) // a link made to show a page does not act
	fmt.Println(errors.Is(err, listunsub.ErrToken))
	// Output: true
}

func ExampleKeyRing_SealAddress() {
	ring, err := listunsub.ParseKeyRing(exampleKey)
	if err != nil {
		panic(err)
	}
	local, code, err := ring.SealAddress(listunsub.AddressClaims{
		Kind: listunsub.OptOutAddress, ListKey: listunsub.ListKey("news.example.com"), Recipient: "john.longername@gmail.com",
	})
	if err != nil {
		panic(err)
	}
	if code != (listunsub.PersonCode{}) {
		panic("a long recipient: keep it with its code before the address leaves")
	}
	uri, err := listunsub.Mailto(local+"@lists.example.com", "")
	if err != nil {
		panic(err)
	}
	fmt.Println(uri)
	claims, err := ring.OpenAddress(local)
	fmt.Println(claims.Recipient, err)
	// Output:
	// mailto:u+da6ak5tpejzj5j37br3ndhuqsyuab4hmh64zq2ag6fry@lists.example.com
	// john.longername@gmail.com <nil>
}

func ExampleCompose() {
	value, err := listunsub.Compose(
		"mailto:u+kq3v2jxq6r4zsl5e@lists.example.com",
		"https://lists.example.com/u/AWQvTl8r2mYk3",
	)
	fmt.Printf("%q %v\n", value, err)
	// Output:
	// "<https://lists.example.com/u/AWQvTl8r2mYk3>,\r\n <mailto:u+kq3v2jxq6r4zsl5e@lists.example.com>" <nil>
}

func ExampleParse() {
	uris, err := listunsub.Parse("(leave here) <https://lists.example.com/u/\r\n AWQvTl8r2mYk3>, <mailto:leave@lists.example.com>")
	fmt.Println(uris, err)
	// Output: [https://lists.example.com/u/AWQvTl8r2mYk3 mailto:leave@lists.example.com] <nil>
}

func ExampleParseListID() {
	id, err := listunsub.ParseListID(`=?utf-8?Q?B=C3=BCcher?= <books.example.com>`)
	fmt.Println(id.Name, id.ID, err)
	// Output: Bücher books.example.com <nil>
}

func ExampleLint() {
	message := "From: ann@example.com\r\n" +
		"List-Id: <news.example.com>\r\n" +
		"List-Unsubscribe: <mailto:leave@example.com>\r\n" +
		"\r\n" +
		"Hello\r\n"
	for _, finding := range listunsub.Lint([]byte(message)) {
		fmt.Println(finding.Line, finding.Severity, finding.Rule, finding.Section)
	}
	// Output:
	// 3 error https-missing RFC 8058 section 3.1
	// 0 error dkim-missing RFC 8058 section 4
}
