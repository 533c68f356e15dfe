package assess

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func TestAnotherRevisionOrPlatformOrReferenceIsPulledAnew(t *testing.T) {
	ref := image.Reference{Registry: "r.example", Repository: "app", Tag: "1"}
	other := ref
	other.Tag = "2"
	at := func(id string, revision int64) integration.Candidate {
		return integration.Candidate{Integration: integration.Integration{ID: id, Revision: revision}}
	}
	arm := image.Platform{OS: "linux", Architecture: "arm64"}
	seen := map[string]bool{}
	for _, key := range []string{
		pulledKey(at("a", 1), Request{Reference: ref}), pulledKey(at("a", 2), Request{Reference: ref}),
		pulledKey(at("b", 1), Request{Reference: ref}), pulledKey(at("a", 1), Request{Reference: other}),
		pulledKey(at("a", 1), Request{Reference: ref, Platform: arm}),
	} {
		if seen[key] {
			t.Errorf("%q stands for two", key)
		}
		seen[key] = true
	}
	if pulledKey(at("a", 1), Request{Reference: ref, Depth: Judge}) != pulledKey(at("a", 1), Request{Reference: ref}) {
		t.Error("the depth makes a difference")
	}
}
