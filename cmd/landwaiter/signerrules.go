package main

import (
	"path/filepath"

	"github.com/landwaiter/landwaiter/internal/attestation"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integrationfile"
)

// readSignerRules reads a file, or a directory of them; "" is none.
func readSignerRules(path string) (rules []attestation.Rule, err error) {
	if path == "" {
		return nil, nil
	}
	const op = "read signer rules"
	files, err := integrationfile.Read(op, path)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.Path != path {
			f.Path = filepath.Join(path, f.Path)
		}
		if f.Err != nil {
			return nil, fault.Wrap(fault.Invalid, op, f.Path, f.Err)
		}
		if rules, err = attestation.ParseRules(rules, f.Path, f.Data); err != nil {
			return nil, err
		}
	}
	if len(rules) == 0 {
		return nil, fault.New(fault.Invalid, op, "there is no file of rules in %s", path).WithFix("Their names end in .yaml, .yml or .json.")
	}
	return rules, nil
}
