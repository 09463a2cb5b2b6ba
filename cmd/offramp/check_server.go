package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"offramp/gateway/record"
)

// answers says whether the server of this data folder runs, or what else answers
// on its admin listener: the key that signs receipts tells one from another.
func (s *settings) answers(ctx context.Context) (running bool, other string) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	resp, err := s.adminGet(ctx, "/api/v1/receipts/key")
	if err != nil {
		return false, ""
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var theirs record.ReceiptKey
	var problem record.Problem
	switch {
	case err != nil:
		return false, "it breaks off"
	case resp.StatusCode == http.StatusUnauthorized && json.Unmarshal(raw, &problem) == nil:
		return false, "it refuses the OFFRAMP_ADMIN_TOKEN of these settings"
	case resp.StatusCode != http.StatusOK || json.Unmarshal(raw, &theirs) != nil || theirs.Key == "":
		return false, fmt.Sprintf("it answers %d, and not as Offramp does", resp.StatusCode)
	}
	if _, err := os.Stat(filepath.Join(s.DataDir, "offramp.db")); errors.Is(err, fs.ErrNotExist) {
		return false, "it is an Offramp with another data folder than " + s.DataDir
	}
	if s.needLedgerKey() != nil {
		return true, "" // it has its key from where this command does not look
	}
	ours, err := s.receipts()
	if err == nil && publicKey(ours.Verifier()) != publicKey(theirs.Key) {
		return false, "it is an Offramp with another ledger key than that of " + s.DataDir
	}
	return true, "" // also where this user may not read the key
}

// publicKey is the key without its name, which changes with OFFRAMP_PUBLIC_URL.
func publicKey(text string) string {
	parts := strings.SplitN(text, "+", 3)
	return parts[len(parts)-1]
}
