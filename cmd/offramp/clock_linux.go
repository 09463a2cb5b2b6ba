package main

import "syscall"

// staUnsync is STA_UNSYNC of adjtimex(2): nothing keeps the clock right.
const staUnsync = 0x40

// clock asks the kernel whether anything keeps the clock right. Retries,
// signatures and the age of mail all depend on it.
func (c *checker) clock() {
	var t syscall.Timex
	if _, err := syscall.Adjtimex(&t); err != nil {
		return // a sandbox that does not tell
	}
	if t.Status&staUnsync != 0 {
		c.add(findWarn, "clock", "the clock of this machine is not synchronised: run an NTP client such as systemd-timesyncd or chrony", "")
		return
	}
	c.add(findOK, "clock", "is synchronised", "")
}
