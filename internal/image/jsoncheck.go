package image

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const (
	maxDepth   = 64
	maxMembers = 10_000
)

// strictObjects are the objects whose members have fixed names, by their path in manifests and configs. Readers differ in
// which of two members with the same name they take, and whether "Layers" is "layers": a document that depends on it
// could be one image to us and another to a container runtime.
var strictObjects = map[string]bool{
	"": true, "config": true, "config.platform": true, "config.healthcheck": true, "layers": true, "layers.platform": true,
	"manifests": true, "manifests.platform": true, "subject": true, "blobs": true, "fslayers": true, "history": true,
	"rootfs": true, "container_config": true, "signatures": true, "signatures.header": true,
}

// checkJSON refuses what is no JSON object, or is too big, too deep, too long, or names a member twice.
func checkJSON(op, what string, raw []byte, limit int) error {
	if len(raw) > limit {
		return fault.New(fault.Invalid, op, "%s is %d bytes long; the limit is %d", what, len(raw), limit)
	}
	trimmed := bytes.TrimLeft(raw, " \t\r\n")
	if len(trimmed) == 0 {
		return fault.New(fault.Invalid, op, "%s is empty", what)
	}
	if trimmed[0] == '<' {
		return fault.New(fault.Invalid, op, "%s is not JSON: it looks like a web page", what).
			WithFix("Check the registry's endpoint: a web page or a proxy's sign-in form answered instead of the registry.")
	}
	if !json.Valid(raw) {
		return fault.New(fault.Invalid, op, "%s is not valid JSON", what)
	}
	if trimmed[0] != '{' {
		return fault.New(fault.Invalid, op, "%s is not a JSON object", what)
	}
	if problem := walkJSON(trimmed); problem != "" {
		return fault.New(fault.Invalid, op, "%s %s", what, problem)
	}
	return nil
}

type jsonFrame struct {
	object  bool
	members int
	path    string
	names   map[string]string // of a strict object, by folded name; nil for others
	next    string            // the path of the value of the name just read
	onName  bool              // the next string is a name
}

// walkJSON tells what is wrong with a valid JSON text, or "".
func walkJSON(raw []byte) string {
	var stack []jsonFrame
	open := func(object bool) string {
		f := jsonFrame{object: object, onName: object}
		if n := len(stack); n > 0 {
			f.path = stack[n-1].next
			if !stack[n-1].object {
				f.path = stack[n-1].path
			}
		}
		if object && strictObjects[f.path] {
			f.names = map[string]string{}
		}
		if !object {
			f.next = f.path
		}
		stack = append(stack, f)
		if len(stack) > maxDepth {
			return fmt.Sprintf("is nested deeper than %d levels", maxDepth)
		}
		return ""
	}
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			if problem := open(raw[i] == '{'); problem != "" {
				return problem
			}
		case '}', ']':
			stack = stack[:len(stack)-1]
		case ',':
			top := &stack[len(stack)-1]
			top.members++
			top.onName = top.object
			if top.members >= maxMembers {
				return fmt.Sprintf("has a list or object with more than %d members", maxMembers)
			}
		case '"':
			end := i + 1
			for raw[end] != '"' {
				if raw[end] == '\\' {
					end++
				}
				end++
			}
			literal := raw[i : end+1]
			i = end
			if len(stack) == 0 || !stack[len(stack)-1].onName {
				continue
			}
			top := &stack[len(stack)-1]
			top.onName = false
			if top.names == nil {
				top.next = "\x00" // no strict object lies below a free one
				continue
			}
			var name string
			if err := json.Unmarshal(literal, &name); err != nil {
				return "has a member with an unreadable name"
			}
			folded := fold(name)
			if earlier, twice := top.names[folded]; twice {
				return fmt.Sprintf("names %s and %s in one object, which readers understand differently", shown(earlier), shown(name))
			}
			top.names[folded] = name
			top.next = strings.TrimPrefix(top.path+"."+folded, ".")
		}
	}
	return ""
}

// fold is equal for names that encoding/json takes for the same.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// describeJSONError words encoding/json's errors without Go's type names.
func describeJSONError(err error) string {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return fmt.Sprintf("its %s has the wrong type, %s", mismatch.Field, mismatch.Value)
	}
	return err.Error()
}
