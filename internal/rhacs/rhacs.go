// Package rhacs serves RHACS's own clients: the messages that roxctl and CI integrations exchange with RHACS's central, made
// from assessments, and the gRPC procedures that take and give them.
package rhacs

//go:generate sh -c "cd proto && go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate"
