# COPY --from=build /go/bin /usr/local/bin
mkdir -p "$ROOT/usr/local/bin"
src=$WORK/go-tool
rm -rf "$src"
mkdir -p "$src"
cat > "$src/main.go" <<'GO'
package main

import (
	"fmt"
	"net/http"

	"github.com/dgrijalva/jwt-go"
	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"golang.org/x/crypto/ssh"
	"golang.org/x/net/http2"
	"golang.org/x/text/language"
	"gopkg.in/yaml.v2"
)

func main() {
	_ = http2.ConfigureServer(&http.Server{}, nil)
	fmt.Println(language.Make("de"), jwt.New(jwt.SigningMethodHS256), &websocket.Upgrader{}, &ssh.ClientConfig{}, gin.New())
	_, _ = yaml.Marshal(nil)
}
GO
cd "$src"
go mod init shop.example/tool
go get golang.org/x/net@v0.7.0 golang.org/x/crypto@v0.5.0 golang.org/x/text@v0.7.0 gopkg.in/yaml.v2@v2.2.8 \
  github.com/gin-gonic/gin@v1.7.0 github.com/dgrijalva/jwt-go@v3.2.0+incompatible github.com/gorilla/websocket@v1.4.0
CGO_ENABLED=0 go build -o "$ROOT/usr/local/bin/tool" .
CGO_ENABLED=0 go build -ldflags '-s -w' -trimpath -o "$ROOT/usr/local/bin/tool-stripped" .
for p in github.com/google/go-containerregistry/cmd/crane@v0.15.2 sigs.k8s.io/kind@v0.20.0 \
  github.com/nats-io/nats-server/v2@v2.9.0 github.com/google/gops@v0.3.27 github.com/rakyll/hey@v0.1.4; do
  CGO_ENABLED=0 GOBIN="$ROOT/usr/local/bin" go install "$p"
done
