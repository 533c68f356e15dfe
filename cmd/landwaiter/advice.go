package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
)

// adviseAlone replaces advice for those who keep integrations on a server by what helps on a command line.
func adviseAlone(err error, registry string) error {
	var unserved *assess.Unserved
	if errors.As(err, &unserved) {
		for i, a := range unserved.Attempts {
			unserved.Attempts[i].Fix = aloneFix(unserved.Errs[i], registry, a.Source.Name == dockerConfigFile)
		}
	}
	return err
}

func aloneFix(err error, registry string, signedIn bool) string {
	login := "`docker login " + registry + "`"
	fix := fault.FixOf(err)
	switch {
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "The registry's certificate is signed by an authority that this machine does not know. Set SSL_CERT_FILE to a file with that authority's certificate, or try with --insecure, which does not verify."
	case errors.As(err, new(tls.RecordHeaderError)), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "The registry speaks plain HTTP on this port. If the network in between can be trusted, give --plain-http."
	case strings.Contains(err.Error(), "HTTP request to an HTTPS server"):
		return "The registry speaks TLS on this port: leave --plain-http out."
	case !strings.Contains(fix, "integration"):
		return fix
	}
	switch code := fault.CodeOf(err); {
	case code == fault.Unauthenticated && signedIn, code == fault.Forbidden && signedIn:
		return "The registry refuses the credential that is stored for it: sign in anew with " + login + ", as a user who may read this repository."
	case code == fault.Unauthenticated, code == fault.Forbidden:
		return "The registry wants credentials for this: sign in with " + login + ". Some registries answer so for images that do not exist, too."
	case code == fault.NotFound && signedIn:
		return "Check the spelling of the name and the tag, and that the user of " + login + " may see the repository."
	case code == fault.NotFound:
		return "Check the spelling of the name and the tag. If the repository is private, sign in with " + login + ": many registries hide what one may not see."
	}
	return fix
}
