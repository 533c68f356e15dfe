package diagnosis

import (
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
)

// An Observation is what one step saw, before it was judged. No secret is in it. Which members are set depends on the step.
type Observation struct {
	Step    string    `json:"step"`
	At      time.Time `json:"at"` // by our clock, when it was looked at
	Took    float64   `json:"tookMs"`
	Skipped string    `json:"skipped,omitempty"` // why it was not looked at

	Settings  *Settings               `json:"settings,omitempty"`
	Route     *distribution.Route     `json:"route,omitempty"`
	Silence   *distribution.Silence   `json:"silence,omitempty"` // why there was no connection
	Exchanges []Exchange              `json:"exchanges,omitempty"`
	Challenge *distribution.Challenge `json:"challenge,omitempty"`
	SignIn    *SignIn                 `json:"signIn,omitempty"`
	Image     *Image                  `json:"image,omitempty"`
	Reported  *Step                   `json:"reported,omitempty"` // by a Prober, judged already
}

// Settings are what the settings say about the connection.
type Settings struct {
	Endpoint          string                    `json:"endpoint"`
	Loopback          bool                      `json:"loopback,omitempty"` // it is on this machine
	Insecure          bool                      `json:"insecure,omitempty"`
	OwnAuthorities    bool                      `json:"ownAuthorities,omitempty"`
	ClientCertificate *distribution.Certificate `json:"clientCertificate,omitempty"`
	Problem           *Problem                  `json:"problem,omitempty"` // why they cannot be used
}

// A Problem is an error that explains itself.
type Problem struct {
	Name string `json:"name,omitempty"` // of the finding, if the error has one
	Code string `json:"code"`
	Text string `json:"text"`
	Fix  string `json:"fix,omitempty"`
}

// Who a request is sent as.
type Who string

const (
	Nobody   Who = "nobody"
	Owner    Who = "credential" // with the integration's own credential
	Stranger Who = "stranger"   // with a user name and a password that do not exist
)

// An Exchange is one request and what came of it.
type Exchange struct {
	For     string                `json:"for"` // one of the For constants
	As      Who                   `json:"as"`
	Answer  distribution.Answer   `json:"answer"`
	Silence *distribution.Silence `json:"silence,omitempty"` // why there was no answer
	Token   *distribution.Issued  `json:"token,omitempty"`   // what a token service gave
	At      time.Time             `json:"at"`
	Took    float64               `json:"tookMs"`
}

// What an exchange was for.
const (
	ForBase      = "base"       // /v2/ of the endpoint
	ForRoot      = "root"       // /v2/ of the host, where the endpoint has a path
	ForRedirect  = "redirect"   // where the last one led to
	ForToken     = "token"      // a token to pull with
	ForWideToken = "wide-token" // a token for more than pulling, to see what would be granted
	ForManifest  = "manifest"
	ForConfig    = "config"
	ForBlob      = "blob"
	ForQuota     = "quota"
)

// A SignIn is how the credential was had.
type SignIn struct {
	Kind     string    `json:"kind"` // "anonymous", "user name and password", "identity token", "registry token"
	Username string    `json:"username,omitempty"`
	Lent     bool      `json:"lent,omitempty"` // by a cloud, and renewed by itself
	Expires  time.Time `json:"expires,omitzero"`
	Problem  *Problem  `json:"problem,omitempty"` // why it could not be had
}

// An Image is what was read of the named image.
type Image struct {
	Digest    string   `json:"digest,omitempty"`
	Platform  string   `json:"platform,omitempty"`
	Platforms []string `json:"platforms,omitempty"` // of the index
	Layers    int      `json:"layers,omitempty"`
	Problem   *Problem `json:"problem,omitempty"` // what is wrong with what came
}
