//go:build commands

// Package coredns names the command, so that go.mod and go.sum hold what it needs.
package coredns

import _ "github.com/coredns/coredns"
