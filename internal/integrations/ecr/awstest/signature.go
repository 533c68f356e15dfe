package awstest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// A signature is what an Authorization header of signature version 4 says.
type signature struct {
	key, date, region, service string
	headers                    []string
	value                      string
}

func readSignature(header string) (signature, bool) {
	rest, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	scope := strings.Split(parts["Credential"], "/")
	if !ok || len(scope) != 5 || scope[4] != "aws4_request" {
		return signature{}, false
	}
	return signature{
		key: scope[0], date: scope[1], region: scope[2], service: scope[3],
		headers: strings.Split(parts["SignedHeaders"], ";"), value: parts["Signature"],
	}, true
}

// of computes the signature anew, from the request as it came.
func (s signature) of(req *http.Request, body []byte, secret string) string {
	canonical := []string{req.Method, req.URL.EscapedPath(), req.URL.RawQuery}
	if canonical[1] == "" {
		canonical[1] = "/"
	}
	for _, name := range s.headers {
		value := strings.Join(req.Header.Values(name), ",")
		switch name {
		case "host":
			value = req.URL.Host
		case "content-length":
			value = strconv.FormatInt(req.ContentLength, 10)
		}
		canonical = append(canonical, name+":"+strings.TrimSpace(value))
	}
	canonical = append(canonical, "", strings.Join(s.headers, ";"), hash(body))
	scope := strings.Join([]string{s.date, s.region, s.service, "aws4_request"}, "/")
	text := strings.Join([]string{
		"AWS4-HMAC-SHA256", req.Header.Get("X-Amz-Date"), scope, hash([]byte(strings.Join(canonical, "\n"))),
	}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
