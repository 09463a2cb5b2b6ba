package nexthop

import "sync/atomic"

// Stats counts connections since the start. All are safe for use at any time;
// the zero value is ready.
type Stats struct {
	Connections   atomic.Int64 // opened to next hops
	ConnectErrors atomic.Int64 // connections that could not be set up
	Limits        atomic.Int64 // limits of next hops that were learnt or announced
	Open          atomic.Int64 // connections open at this moment
}
