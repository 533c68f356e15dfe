// Package registrytest x
package registrytest

import (
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	_ "github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	_ "github.com/sirupsen/logrus"
	_ "golang.org/x/crypto/bcrypt"
	_ "golang.org/x/sync/singleflight"
)
