package portal

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

type colour struct{ r, g, b float64 }

func parseColour(t *testing.T, hex string) colour {
	t.Helper()
	if len(hex) == 4 {
		hex = "#" + strings.Repeat(hex[1:2], 2) + strings.Repeat(hex[2:3], 2) + strings.Repeat(hex[3:4], 2)
	}
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil || len(hex) != 7 {
		t.Fatalf("%q is no colour", hex)
	}
	return colour{float64(n >> 16), float64(n >> 8 & 255), float64(n & 255)}
}

// luminance is WCAG's relative luminance.
func (c colour) luminance() float64 {
	linear := func(v float64) float64 {
		if v /= 255; v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func TestContrast(t *testing.T) {
	if got := contrast(colour{0, 0, 0}, colour{255, 255, 255}); math.Abs(got-21) > 0.001 {
		t.Fatalf("black on white is %v", got)
	}
	b, err := files.ReadFile("static/portal.css")
	if err != nil {
		t.Fatal(err)
	}
	var (
		roots    = regexp.MustCompile(`:root \{([^}]*)\}`).FindAllStringSubmatch(string(b), -1)
		property = regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]+)`)
		rule     = regexp.MustCompile(`([^{}]+)\{([^{}]*)\}`)
		text     = regexp.MustCompile(`(?:^|[; ])color: var\(--([a-z-]+)\)`)
		back     = regexp.MustCompile(`background: var\(--([a-z-]+)\)`)
	)
	if len(roots) != 2 {
		t.Fatalf("%d sets of colours, want light and dark", len(roots))
	}
	// Text without a background of its own is on the page, on a card, or in the row that a link leads to.
	grounds := []string{"ground", "card", "low-bg"}
	type pair struct{ rule, text, ground string }
	var pairs []pair
	for _, r := range rule.FindAllStringSubmatch(string(b), -1) {
		selector, body := strings.TrimSpace(r[1]), r[2]
		fg := text.FindStringSubmatch(body)
		if fg == nil {
			continue
		}
		if bg := back.FindStringSubmatch(body); bg != nil {
			pairs = append(pairs, pair{selector, fg[1], bg[1]})
			continue
		}
		for _, g := range grounds {
			pairs = append(pairs, pair{selector, fg[1], g})
		}
	}
	if len(pairs) < 40 {
		t.Fatalf("only %d pairs of colours found", len(pairs))
	}
	for i, name := range []string{"light", "dark"} {
		t.Run(name, func(t *testing.T) {
			colours := map[string]colour{}
			for _, m := range property.FindAllStringSubmatch(roots[i][1], -1) {
				colours[m[1]] = parseColour(t, m[2])
			}
			for _, p := range pairs {
				fg, ok := colours[p.text]
				bg, ok2 := colours[p.ground]
				if !ok || !ok2 {
					t.Errorf("%s: %s or %s is not defined", p.rule, p.text, p.ground)
					continue
				}
				if got := contrast(fg, bg); got < 4.5 {
					t.Errorf("%s: %s on %s has a contrast of %.2f:1", p.rule, p.text, p.ground, got)
				}
			}
		})
	}
}
