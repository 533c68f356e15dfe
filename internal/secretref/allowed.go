package secretref

import (
	"path"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Allowed are the patterns of references that may be used by integrations which the operator of this program did not write.
// The zero value allows none.
type Allowed struct{ patterns []Reference }

// ParseAllowed reads patterns with commas between them: references with the wildcards of path.Match in their parts, such as
// "env:REGISTRY_*,file:/run/secrets/registries/*,kubernetes:team/*/*". A wildcard matches within one part. The error is
// fault.Invalid.
func ParseAllowed(list string) (Allowed, error) {
	var a Allowed
	for text := range strings.SplitSeq(list, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		scheme, glob := cut(text)
		pattern := Reference{scheme, glob}
		if problem := pattern.patternProblem(); problem != "" {
			return Allowed{}, fault.New(fault.Invalid, "read allowed references", "%q: %s", text, problem).
				WithFix("Write patterns such as env:REGISTRY_*, file:/run/secrets/registries/* or kubernetes:team/*/*, with commas between them.")
		}
		a.patterns = append(a.patterns, pattern)
	}
	return a, nil
}

func (r Reference) patternProblem() string {
	if _, err := path.Match(r.name, ""); err != nil {
		return "the pattern is malformed"
	}
	parts := strings.Split(r.name, "/")
	switch {
	case r.scheme == "" || r.scheme == valueScheme:
		return "it begins with none of env:, file: and kubernetes:"
	case r.scheme == envScheme && (len(parts) != 1 || r.name == ""):
		return "env: is followed by a pattern for the names of variables"
	case r.scheme == fileScheme && (!path.IsAbs(r.name) || path.Clean(r.name) != r.name || r.name == "/"):
		return "file: is followed by a pattern for absolute paths without . and .."
	case r.scheme == kubernetesScheme && len(parts) != 3:
		return "kubernetes: is followed by patterns for the namespace and the name of a Secret, and for a key in it"
	}
	return ""
}

// match returns the pattern that allows a reference.
func (a Allowed) match(ref Reference) (pattern Reference, ok bool) {
	for _, p := range a.patterns {
		if matches, _ := path.Match(p.name, ref.name); p.scheme == ref.scheme && matches {
			return p, true
		}
	}
	return Reference{}, false
}

// directory is the deepest one that the pattern of a file names without wildcards: what lies below it was meant by whoever
// wrote the pattern, links into it included.
func (r Reference) directory() string {
	dir := path.Dir(r.name)
	for strings.ContainsAny(dir, `*?[\`) {
		dir = path.Dir(dir)
	}
	return dir
}
