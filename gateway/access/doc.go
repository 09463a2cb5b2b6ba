// Package access says who may use the API and how often, and has a request that
// is sent again act once.
//
// A caller is known by an API key, by OFFRAMP_ADMIN_TOKEN, which is one with the
// scope admin, or, while that is not set, by being on the same machine. Keys are
// looked up for each request: one that was revoked is refused at once, on every
// node.
package access
