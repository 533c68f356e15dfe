package policy

import (
	"embed"
	"io/fs"
	"sync"
)

//go:embed builtin/*.yaml
var builtin embed.FS

// A builtinPolicy is one that this release brings along.
type builtinPolicy struct {
	*compiled
	document []byte
}

// builtins are compiled once. They are checked by the tests, so that a mistake in one is a mistake of ours.
var builtins = sync.OnceValue(func() []builtinPolicy {
	files, err := fs.Glob(builtin, "builtin/*.yaml")
	if err != nil {
		panic("policy: " + err.Error())
	}
	policies := make([]builtinPolicy, len(files))
	inParallel(len(files), func(i int) {
		document, err := builtin.ReadFile(files[i])
		if err != nil {
			panic("policy: " + err.Error())
		}
		read, problems := read(document)
		if len(read) == 1 {
			c, more := compileOne(&read[0])
			policies[i], problems = builtinPolicy{c, document}, append(problems, more...)
		}
		if len(read) != 1 || len(problems) > 0 {
			panic("policy: " + files[i] + ": " + problems.Error())
		}
	})
	return policies
})

// Builtin is the built-in set, one file per policy, in the order of their IDs.
func Builtin() []Policy {
	var policies []Policy
	for _, b := range builtins() {
		policies = append(policies, b.Policy)
	}
	return policies
}

// BuiltinSet is the built-in set, compiled.
func BuiltinSet() *Set {
	var all []*compiled
	for _, b := range builtins() {
		all = append(all, b.compiled)
	}
	return newSet(all)
}
