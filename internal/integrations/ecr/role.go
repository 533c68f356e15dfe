package ecr

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const (
	maxRoles      = 5
	maxExternalID = 1224
)

var (
	arnPattern        = regexp.MustCompile(`^arn:([a-z-]+):iam::([0-9]{12}):role/(.+)$`)
	roleNamePattern   = regexp.MustCompile(`^([\w+=.@-]+/)*[\w+=.@-]{1,64}$`)
	externalIDPattern = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
)

// parseRoles reads a role or a chain of roles separated by commas into ARNs, in the order in which they are assumed. A name
// means a role in the account; without an account only ARNs are possible.
func parseRoles(text, account, partitionID string) ([]string, error) {
	var roles []string
	for role := range strings.SplitSeq(text, ",") {
		role = strings.TrimSpace(role)
		name := role
		m := arnPattern.FindStringSubmatch(role)
		switch {
		case m != nil && m[1] != partitionID:
			return nil, fmt.Errorf("a role in partition %s cannot read a registry in partition %s", m[1], partitionID)
		case m != nil:
			name = m[3]
		case strings.HasPrefix(role, "arn:"):
			return nil, errors.New("the ARN is not that of a role: it must read arn:" + partitionID + ":iam::ACCOUNT:role/NAME")
		case account == "":
			return nil, errors.New("the role must be given as an ARN: arn:" + partitionID + ":iam::ACCOUNT:role/NAME")
		default:
			role = "arn:" + partitionID + ":iam::" + account + ":role/" + role
		}
		if !roleNamePattern.MatchString(name) {
			return nil, errors.New("a role's name has letters, digits and _+=.@- only, and a comma stands between two roles")
		}
		if roles = append(roles, role); len(roles) > maxRoles {
			return nil, fmt.Errorf("at most %d roles can be chained", maxRoles)
		}
	}
	return roles, nil
}
