//go:build !unix

package storetest

import "errors"

func start(string) (string, error) {
	return "", errors.New("a server can be started on Unix only")
}
