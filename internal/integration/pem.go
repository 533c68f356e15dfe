package integration

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
)

// maxCertificates bounds, in bytes, what a field of certificates holds: as much as all public authorities together.
const maxCertificates = 256 << 10

// blocks reads PEM. What stands around the blocks is left out; incomplete says that there is more that begins like one.
func blocks(text string) (list []*pem.Block, incomplete bool) {
	rest := []byte(text)
	for {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return list, bytes.Contains(rest, []byte("-----BEGIN "))
		}
		list = append(list, b)
	}
}

func certificatesProblem(what, text string) Problem {
	const fix = "Give certificates as PEM: lines from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."
	if len(text) > maxCertificates {
		return Problem{Message: fmt.Sprintf("%s is longer than %d KiB", what, maxCertificates>>10)}
	}
	list, incomplete := blocks(text)
	found := 0
	for i, b := range list {
		switch {
		case strings.Contains(b.Type, "PRIVATE KEY"):
			return Problem{
				Message: what + " holds a private key, which belongs into no field of certificates",
				Fix:     "Leave the key out. If it is the client certificate's, it has a field of its own.",
			}
		case b.Type != "CERTIFICATE":
			continue
		}
		if _, err := x509.ParseCertificate(b.Bytes); err != nil {
			return Problem{Message: fmt.Sprintf("%s: the %s of its blocks is not a certificate that can be read", what, ordinal(i+1)), Fix: fix}
		}
		found++
	}
	switch {
	case incomplete:
		return Problem{Message: what + " has a block that is incomplete", Fix: fix}
	case found == 0:
		return Problem{Message: what + " holds no certificate", Fix: fix}
	}
	return Problem{}
}

// CertificateNames tells people whose certificates a field holds and when they end, one after the other.
func CertificateNames(text string) string {
	const most = 3
	var names []string
	list, _ := blocks(text)
	for _, b := range list {
		if c, err := x509.ParseCertificate(b.Bytes); err == nil {
			names = append(names, fmt.Sprintf("%s (until %s)", printable(c.Subject.String()), c.NotAfter.Format(time.DateOnly)))
		}
	}
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, "; ")
}

func ordinal(n int) string {
	if n == 1 {
		return "first"
	}
	return fmt.Sprintf("%dth", n)
}

func privateKeyProblem(what, text string) Problem {
	const fix = "Give the key as PEM: lines from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----."
	if len(text) > maxSecret {
		return Problem{Message: what + " is too long"}
	}
	list, _ := blocks(text)
	for _, b := range list {
		switch {
		case b.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED"):
			return Problem{
				Message: what + " is encrypted, and there is no password to open it with",
				Fix:     "Write it without encryption, with: openssl pkey -in key.pem -out plain.pem. It is sealed where it is stored.",
			}
		case strings.HasSuffix(b.Type, "PRIVATE KEY"):
			return Problem{}
		}
	}
	return Problem{Message: what + " holds no private key", Fix: fix}
}
