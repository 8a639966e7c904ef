//go:build commands

// Package etcd names the command, so that go.mod and go.sum hold what it needs.
package etcd

import _ "go.etcd.io/etcd/server/v3"
