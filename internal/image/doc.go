// Package image understands container images without touching a network: references, digests, platforms, manifests and
// indexes, and the facts and Dockerfile lines that a manifest and its config hold.
package image
