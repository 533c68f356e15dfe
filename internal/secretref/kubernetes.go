package secretref

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const (
	kubernetesTimeout = 5 * time.Second
	maxAnswer         = 2 << 20 // a Secret holds at most 1 MiB, in base64
)

// readKubernetes asks the API server of the cluster that this program runs in, as the pod's service account. Token and CA are
// read each time, since they are replaced while the pod runs.
func (r *Resolver) readKubernetes(ctx context.Context, name string) (string, error) {
	parts := strings.Split(name, "/")
	namespace, secretName, key := parts[0], parts[1], parts[2]
	client, request, err := r.inCluster("/api/v1/namespaces/" + namespace + "/secrets/" + secretName)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, kubernetesTimeout)
	defer cancel()
	resp, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return "", unreachable(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", unreachable(err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", refusal(resp.StatusCode, namespace, secretName, body)
	}
	var found struct {
		Data map[string][]byte `json:"data"`
	}
	if json.Unmarshal(body, &found) != nil {
		return "", fault.New(fault.Unavailable, "", "the answer of the Kubernetes API is no Secret")
	}
	held, ok := found.Data[key]
	if !ok {
		return "", missing("the Secret has no key %q", key).
			WithFix("It shows its keys with: kubectl -n %s describe secret %s", namespace, secretName)
	}
	return string(held), nil
}

// inCluster prepares a request to the API server.
func (r *Resolver) inCluster(path string) (*http.Client, *http.Request, error) {
	host, port := r.o.Env("KUBERNETES_SERVICE_HOST"), r.o.Env("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, nil, missing("this program does not run in a Kubernetes cluster").
			WithFix("Use a reference of another kind, or run the server as a pod of the cluster that has the Secret.")
	}
	token, err := os.ReadFile(filepath.Join(r.o.ServiceAccount, "token"))
	if err != nil {
		return nil, nil, noIdentity(err)
	}
	ca, err := os.ReadFile(filepath.Join(r.o.ServiceAccount, "ca.crt"))
	if err != nil {
		return nil, nil, noIdentity(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, nil, noIdentity(errors.New("ca.crt holds no certificate"))
	}
	request, err := http.NewRequest(http.MethodGet, "https://"+net.JoinHostPort(host, port)+path, nil)
	if err != nil {
		return nil, nil, missing("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are no address")
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Accept", "application/json")
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, request, nil
}

func noIdentity(err error) error {
	return missing("the service account of this pod cannot be read: %v", err).
		WithFix("Give the pod a service account, and do not set automountServiceAccountToken to false.")
}

func unreachable(err error) error {
	return fault.Wrap(fault.Unavailable, "", "the Kubernetes API cannot be reached", err)
}

// accountPattern finds who was refused in the answer of the API server.
var accountPattern = regexp.MustCompile(`system:serviceaccount:([a-z0-9-]{1,63}:[a-z0-9.-]{1,253})`)

func refusal(status int, namespace, secretName string, body []byte) error {
	switch status {
	case http.StatusUnauthorized:
		return missing("the Kubernetes API does not accept the token of this pod's service account").
			WithFix("See whether the service account still exists; a pod that was started before it was made again has an old token.")
	case http.StatusForbidden:
		account := "NAMESPACE:SERVICEACCOUNT"
		if found := accountPattern.FindSubmatch(body); found != nil {
			account = string(found[1])
		}
		return fault.New(fault.Forbidden, "", "the service account %s may not get the Secret %s/%s", account, namespace, secretName).
			WithFix("%s", grant(namespace, secretName, account))
	case http.StatusNotFound:
		return missing("there is no Secret %s in the namespace %s", secretName, namespace).
			WithFix("The namespace shows its Secrets with: kubectl -n %s get secrets", namespace)
	}
	return fault.New(fault.Unavailable, "", "the Kubernetes API answers %d %s", status, http.StatusText(status))
}

// grant is the Role that is missing, and its binding.
func grant(namespace, secretName, account string) string {
	return fmt.Sprintf("Let it: kubectl -n %[1]s create role landwaiter-%[2]s --verb=get --resource=secrets --resource-name=%[2]s"+
		" && kubectl -n %[1]s create rolebinding landwaiter-%[2]s --role=landwaiter-%[2]s --serviceaccount=%[3]s",
		namespace, secretName, account)
}
