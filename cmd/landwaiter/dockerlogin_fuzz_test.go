package main

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/image"
)

// FuzzDockerConfig reads any config file without a panic, and shows nothing of the passwords in it.
func FuzzDockerConfig(f *testing.F) {
	const marked = "marked-5ecret"
	auth := base64.StdEncoding.EncodeToString([]byte("ann:" + marked))
	for _, s := range []string{
		`{"auths":{"registry.example":{"auth":"` + auth + `"}}}`,
		`{"auths":{"https://registry.example/v1/":{"username":"ann","password":"` + marked + `"}}}`,
		`{"auths":{"registry.example":{"auth":"` + auth + `=="}}}`,
		`{"auths":{"registry.example":{"auth":"` + base64.StdEncoding.EncodeToString([]byte(marked)) + `"}}}`,
		`{"auths":{"registry.example":{"auth":7}}}`,
		`{"auths":{"registry.example":{"identitytoken":"` + marked + `"}}}`,
		`{"auths":{"registry.example":{"registrytoken":"` + marked + `"}},"credsStore":"none"}`,
		`{"credHelpers":{"registry.example":"none"}}`,
		`{"auths":[]}`, `[]`, `{`, ``, "\x00",
	} {
		f.Add([]byte(s))
	}
	ref, err := image.ParseReference("registry.example/team/app:1")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		dir := t.TempDir()
		t.Setenv("DOCKER_CONFIG", dir)
		t.Setenv("HOME", dir)
		t.Setenv("PATH", "") // a helper named in the file must not be run
		if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
			t.Fatal(err)
		}
		credential, err := dockerLogin(context.Background(), ref)
		if err != nil && strings.Contains(err.Error(), marked) {
			t.Errorf("the error shows the password: %v", err)
		}
		if err != nil && !credential.Anonymous() {
			t.Error("an error and a credential")
		}
	})
}
