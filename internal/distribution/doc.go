// Package distribution is the one client of the OCI Distribution protocol: ping, resolve, manifest, blob, tags, referrers,
// with token reuse, retries, bounds and errors that say what a registry answered. It knows no vendor.
package distribution
