package api

import (
	"context"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/auth"
)

type pong struct {
	Body struct {
		Status string `json:"status" example:"ok"`
	}
}

type metadata struct {
	Body struct {
		Version                  string   `json:"version"`
		BuildFlavor              string   `json:"buildFlavor"`
		ReleaseBuild             bool     `json:"releaseBuild"`
		LicenseStatus            string   `json:"licenseStatus"`
		CompatibleSensorVersions []string `json:"compatibleSensorVersions" nullable:"false"`
	}
}

func (a *API) registerSystem() {
	register(a, "ping", func(context.Context, *struct{}) (*pong, error) {
		var out pong
		out.Body.Status = "ok"
		return &out, nil
	})
	register(a, "metadata", func(context.Context, *struct{}) (*metadata, error) {
		var out metadata
		out.Body.Version, out.Body.BuildFlavor, out.Body.ReleaseBuild = a.Version, "release", true
		out.Body.LicenseStatus, out.Body.CompatibleSensorVersions = "VALID", []string{}
		return &out, nil
	})
	register(a, "authStatus", a.authStatus)
	register(a, "myPermissions", func(ctx context.Context, _ *struct{}) (*myPermissions, error) {
		return &myPermissions{accessOf(identityOf(ctx))}, nil
	})
	register(a, "sensorUpgrades", func(context.Context, *struct{}) (*done, error) { return &done{}, nil })
}

type access struct {
	ResourceToAccess map[string]string `json:"resourceToAccess" doc:"RHACS's resource names with READ_ACCESS or READ_WRITE_ACCESS"`
}

type roleAccess struct {
	Name             string            `json:"name"`
	ResourceToAccess map[string]string `json:"resourceToAccess"`
}

type userInfo struct {
	Username     string       `json:"username"`
	FriendlyName string       `json:"friendlyName"`
	Permissions  access       `json:"permissions"`
	Roles        []roleAccess `json:"roles" nullable:"false"`
}

type userAttribute struct {
	Key    string   `json:"key"`
	Values []string `json:"values" nullable:"false"`
}

type authStatus struct {
	Body struct {
		UserID         string          `json:"userId"`
		Expires        *time.Time      `json:"expires" doc:"null: never"`
		RefreshURL     string          `json:"refreshUrl"`
		AuthProvider   *string         `json:"authProvider" doc:"always null"`
		UserInfo       userInfo        `json:"userInfo"`
		UserAttributes []userAttribute `json:"userAttributes" nullable:"false"`
		IDPToken       string          `json:"idpToken"`
	}
}

type myPermissions struct{ Body access }

// resources are RHACS's names for what a permission opens; a later entry widens an earlier one.
var resources = []struct {
	permission       auth.Permission
	resource, access string
}{
	{auth.ReadIntegrations, "Integration", "READ_ACCESS"},
	{auth.WriteIntegrations, "Integration", "READ_WRITE_ACCESS"},
	{auth.ReadImages, "Image", "READ_ACCESS"},
	{auth.ScanImages, "Image", "READ_WRITE_ACCESS"},
	{auth.ScanImages, "Detection", "READ_ACCESS"},
	{auth.ReadImages, "WatchedImage", "READ_ACCESS"},
	{auth.ScanImages, "WatchedImage", "READ_WRITE_ACCESS"},
	{auth.ManageTokens, "Access", "READ_WRITE_ACCESS"},
}

func accessOf(id auth.Identity) access {
	allowed := access{ResourceToAccess: map[string]string{}}
	for _, r := range resources {
		if id.May(r.permission) {
			allowed.ResourceToAccess[r.resource] = r.access
		}
	}
	return allowed
}

// userIDOf is RHACS's name for a caller.
func userIDOf(id auth.Identity) string {
	if token, ok := strings.CutPrefix(id.Subject, "token:"); ok {
		return "auth-token:" + token
	}
	return id.Subject
}

func (a *API) authStatus(ctx context.Context, _ *struct{}) (*authStatus, error) {
	id := identityOf(ctx)
	allowed := accessOf(id)
	var out authStatus
	out.Body.UserID = userIDOf(id)
	if !id.Expires.IsZero() {
		out.Body.Expires = &id.Expires
	}
	out.Body.UserInfo = userInfo{
		Username: out.Body.UserID, FriendlyName: id.Name, Permissions: allowed,
		Roles: []roleAccess{{string(id.Role), allowed.ResourceToAccess}},
	}
	out.Body.UserAttributes = []userAttribute{{"name", []string{id.Name}}, {"role", []string{string(id.Role)}}}
	return &out, nil
}
