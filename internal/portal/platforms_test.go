package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/auth"
)

func TestPlatforms(t *testing.T) {
	s := newSite(t, hasAdvisories)
	b := s.as(t, auth.Viewer)
	amd := sample()
	id := s.store(t, amd)

	t.Run("one_that_was_not_assessed_is_said", func(t *testing.T) {
		d := b.page(t, "/images/"+id+"/platforms", http.StatusOK)
		contains(t, d.section("platforms"), "linux/arm64 not assessed: it was not assessed yet")
		if strings.Contains(d.text(), "do not differ") || strings.Contains(d.text(), "Check all platforms") {
			t.Error("the page says more than is known, or offers what a viewer may not do")
		}
		contains(t, s.as(t, auth.Administrator).page(t, "/images/"+id+"/platforms", http.StatusOK).text(), "Check all platforms")
	})

	arm := sample()
	arm.Platform, arm.Facts.Platform.Architecture = "linux/arm64", "arm64"
	arm.Scan.Components = arm.Scan.Components[1:]
	s.store(t, arm)
	t.Run("what_they_differ_in_is_shown", func(t *testing.T) {
		d := b.page(t, "/images/"+id+"/platforms", http.StatusOK)
		gone := amd.Scan.Components[0]
		contains(t, d.section("components"), gone.Name+" "+gone.Version)
		contains(t, d.section("components"), "linux/amd64")
		if strings.Contains(d.section("components"), amd.Scan.Components[1].Name+" ") {
			t.Error("what all platforms have is no difference")
		}
	})

	t.Run("an_image_that_there_is_not", func(t *testing.T) {
		b.page(t, "/images/nothing/platforms", http.StatusNotFound)
	})
}
