package image

import "fmt"

// SizeText is a number of bytes for reading, in decimal units as registries show them: "27.5 MB".
func SizeText(n int64) string {
	const unit = 1000
	if n < 0 {
		return "unknown"
	}
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefix := float64(n), -1
	for value >= unit && prefix < 4 {
		value /= unit
		prefix++
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTP"[prefix])
}
