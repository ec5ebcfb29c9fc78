//go:build tools

// Package tools pins the command that is built: the registries' conformance suite.
package tools

import _ "github.com/opencontainers/distribution-spec/conformance"
