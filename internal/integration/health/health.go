// Package health watches whether integrations work, whatever images are asked for: each is looked at now and then with a few
// requests, and what is found is kept with its history. Only the registry's side and the integration's credential count.
package health

import (
	"context"
	"time"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// A Status is what is known of an integration.
type Status string

const (
	Uninitialized Status = "uninitialized" // not looked at yet
	Healthy       Status = "healthy"
	Degraded      Status = "degraded" // it works, and somebody should look at it all the same
	Unhealthy     Status = "unhealthy"
	Unknown       Status = "unknown" // it could not be looked at, for reasons on our side
)

// bad reports whether one result of this status is not enough to believe it.
func (s Status) bad() bool { return s == Unhealthy || s == Unknown }

// A State is what is known of one integration. The zero value but for Status is that of one that was never looked at.
type State struct {
	IntegrationID string             `json:"integrationId"`
	Revision      int64              `json:"revision"` // of the integration, when it was looked at
	Status        Status             `json:"status"`
	Since         time.Time          `json:"since,omitzero"` // since when the status is so
	Summary       string             `json:"summary"`
	Problem       *diagnosis.Finding `json:"problem,omitempty"` // what the status comes from
	Doubt         *Doubt             `json:"doubt,omitempty"`
	Axes          []Axis             `json:"axes" nullable:"false"`
	LatencyMs     float64            `json:"latencyMs,omitempty"` // of the first answer of the registry
	Expiries      []Expiry           `json:"expiries" nullable:"false"`
	LastCheck     time.Time          `json:"lastCheck,omitzero"`
	LastChange    time.Time          `json:"lastChange,omitzero"` // when the last event came into the history
	NextCheck     time.Time          `json:"nextCheck,omitzero"`
	Events        int64              `json:"events"` // that ever were, those forgotten included
	Streak        Streak             `json:"streak"`
}

// A Doubt is a bad result that does not count before it is confirmed.
type Doubt struct {
	Since   time.Time          `json:"since"`
	Results int                `json:"results"`
	Needed  int                `json:"needed"`
	Problem *diagnosis.Finding `json:"problem,omitempty"`
}

// A Streak counts results in a row.
type Streak struct {
	Bad     int `json:"bad"`
	Refused int `json:"refused"` // sign-ins, which must become rare lest the account be locked
}

// The axes of health.
const (
	Reach          = "reach"
	TLS            = "tls"
	Authentication = "authentication"
	Quota          = "quota"
	Expiring       = "expiry"
)

// An Axis is one side of health. Its verdict is skipped while another one stands in the way of looking.
type Axis struct {
	Name    string            `json:"name"`
	Verdict diagnosis.Verdict `json:"verdict"`
	Summary string            `json:"summary"`
	Finding string            `json:"finding,omitempty"`
	Fix     string            `json:"fix,omitempty"`
}

// What can expire.
const (
	Credential        = "credential"
	ServerCertificate = "server certificate"
	ClientCertificate = "client certificate"
)

// An Expiry is the end of something that an integration needs.
type Expiry struct {
	What   string    `json:"what"`
	Source string    `json:"source"` // what says so
	At     time.Time `json:"at"`
	// NoticeDays is how long before its end it is announced at most, and Announced the last notice given, 0 for none.
	NoticeDays int `json:"noticeDays"`
	Announced  int `json:"announced,omitempty"`
}

// An Event is a change of the status or of the problem, or an announcement.
type Event struct {
	Number  int64     `json:"number"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"` // "status" or "expiry"
	From    Status    `json:"from,omitempty"`
	To      Status    `json:"to,omitempty"`
	Finding string    `json:"finding,omitempty"`
	Summary string    `json:"summary"`
}

// Bounds of the history of one integration.
const (
	maxEvents = 100
	maxAge    = 400 * 24 * time.Hour
)

// A Store keeps states, and who looks at what. An integration that was created or changed is due at once; a deleted one's
// state and history go with it.
type Store interface {
	// ClaimDueHealth gives one integration that is due, the longest waiting first, to one caller only: it is due again at
	// until unless a result is recorded. ok is false when none is due.
	ClaimDueHealth(ctx context.Context, now, until time.Time) (id string, ok bool, err error)
	// ClaimHealth gives a certain one, whether it is due or not. It fails with fault.NotFound.
	ClaimHealth(ctx context.Context, id string, until time.Time) error
	// RecordHealth stores the state and adds the events, if the claim still holds, and says whether it did. The integration
	// is due again at s.NextCheck. Of the history, keep events stay at most, and none from before oldest.
	RecordHealth(ctx context.Context, s State, events []Event, claim time.Time, keep int64, oldest time.Time) (bool, error)
	// Health returns the uninitialized state for an integration that was never looked at or is not there.
	Health(ctx context.Context, id string) (State, error)
	// HealthStates are those that were recorded, by the ID of their integration.
	HealthStates(ctx context.Context) (map[string]State, error)
	// HealthEvents lists newest first.
	HealthEvents(ctx context.Context, id string) ([]Event, error)
}

// Fresh is the state of an integration that was never looked at.
func Fresh(id string) State {
	return State{IntegrationID: id, Status: Uninitialized, Summary: "It was not looked at yet.", Axes: []Axis{}, Expiries: []Expiry{}}
}

// A Check looks at an opened integration with a few requests. It is diagnosis.Doctor's Glance.
type Check func(ctx context.Context, c integration.Candidate) *diagnosis.Diagnosis
