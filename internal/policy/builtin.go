package policy

import (
	"embed"
	"io/fs"
)

//go:embed builtin/*.yaml
var builtin embed.FS

// Builtin is the built-in set, one file per policy, in the order of their IDs.
func Builtin() []Policy {
	files, err := fs.Glob(builtin, "builtin/*.yaml")
	if err != nil {
		panic("policy: " + err.Error())
	}
	var policies []Policy
	for _, name := range files {
		document, err := builtin.ReadFile(name)
		if err != nil {
			panic("policy: " + err.Error())
		}
		read, problems := read(document)
		if len(problems) > 0 {
			panic("policy: " + name + ": " + problems.Error())
		}
		policies = append(policies, read...)
	}
	return policies
}
