package auth

import (
	"slices"
	"time"
)

// A Permission is what an operation needs.
type Permission string

const (
	ReadIntegrations  Permission = "integrations:read"
	WriteIntegrations Permission = "integrations:write"
	ReadImages        Permission = "images:read"
	ScanImages        Permission = "images:scan"
	WriteAdvisories   Permission = "advisories:write"
	WriteExceptions   Permission = "exceptions:write"
	WritePolicies     Permission = "policies:write"
	ManageTokens      Permission = "tokens:write"
)

// A Role is a named set of permissions.
type Role string

const (
	Administrator         Role = "Administrator"
	ContinuousIntegration Role = "Continuous Integration"
	Viewer                Role = "Viewer"
)

// Roles lists them, the mightiest first.
func Roles() []Role { return []Role{Administrator, ContinuousIntegration, Viewer} }

// RoleNamed takes RHACS's names of its own roles for those that fit here.
func RoleNamed(name string) Role {
	switch name {
	case "Admin":
		return Administrator
	case "Analyst":
		return Viewer
	}
	return Role(name)
}

var permissions = map[Role][]Permission{
	Administrator:         {ReadIntegrations, WriteIntegrations, ReadImages, ScanImages, WriteAdvisories, WriteExceptions, WritePolicies, ManageTokens},
	ContinuousIntegration: {ReadImages, ScanImages},
	Viewer:                {ReadIntegrations, ReadImages},
}

// An Identity is a signed-in caller.
type Identity struct {
	Subject string // "admin", "token:<id>", "anonymous"
	Name    string
	Role    Role
	Expires time.Time // of the token; zero: never
}

// May reports whether the caller's role has the permission. A role that does not exist has none.
func (i Identity) May(p Permission) bool { return slices.Contains(permissions[i.Role], p) }
